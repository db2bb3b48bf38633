/** What is chosen: what the gateway says of a script, what is heard, and what is kept. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { message, onPage } from "./browser.js";
import type { Studio } from "./studio.test.js";

export function settingTests(studio: Studio): void {
  test("a script's warnings are told while it is written", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      const script = page.getByRole("textbox", { name: "What the presenter says" });
      await script.fill("# Hello\n한국어입니다.\nIt costs $3.5 in 2026.");
      await page.getByText("Marks of Markdown are neither spoken nor shown: #").waitFor();
      await page.getByText("The caption font has no glyph for").waitFor();
      await page.getByText("three point five dollars").waitFor();
      await page.getByRole("button", { name: /It costs/ }).click();
      const selected = await script.evaluate((area: HTMLTextAreaElement) =>
        area.value.slice(area.selectionStart, area.selectionEnd),
      );
      assert.equal(selected, "It costs $3.5 in 2026.");
      await script.fill("   ");
      await page.getByRole("button", { name: "Make the film" }).click();
      await page.getByText("Write what the presenter is to say, first.").waitFor();
    });
  });

  test("a selected word is said as it is told, in every sentence, and a reading that is none is refused", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      const script = page.getByRole("textbox", { name: "What the presenter says" });
      await script.fill("重庆很大。\n我爱重庆。");
      for (const key of ["Control+Home", "Shift+ArrowRight", "Shift+ArrowRight"]) await script.press(key);
      const reading = page.getByRole("textbox", { name: "Say “重庆” as" });
      await reading.fill("/");
      await page.locator(".say-as").getByRole("button", { name: "Keep" }).click();
      await page.locator(".say-as .notice-bad").waitFor();
      await reading.fill("chóng qìng");
      await reading.press("Enter");
      await page.getByText("重庆 → chóng qìng").waitFor();
      await page.waitForFunction(() => document.querySelectorAll(".sentence-reading").length === 2);
      await page.reload();
      await page.getByRole("button", { name: "Forget how “重庆” is said" }).click();
      await page.waitForFunction(() => document.querySelectorAll(".sentence-reading").length === 0);
    });
  });

  test("settings are kept under a name, given away as a file and taken from one", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await page.getByRole("radio", { name: "16:9" }).check();
      await page.getByRole("textbox", { name: "Keep these settings as" }).fill("Wide");
      await page.keyboard.press("Enter");
      const [file] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save Wide as a file" }).click(),
      ]);
      const preset = JSON.parse(readFileSync(await file.path(), "utf8"));
      assert.deepEqual([preset.name, preset.settings.width, preset.settings.script], ["Wide", 1920, undefined]);
      await page.getByRole("button", { name: "Delete Wide" }).click();
      await page.getByRole("radio", { name: "9:16" }).check();
      const other = { ...preset, settings: { ...preset.settings, music: "f".repeat(64), unheard_of: 1 } };
      const take = page.locator('input[type="file"]');
      await take.setInputFiles({ name: "w.json", mimeType: "application/json", buffer: Buffer.from("{}") });
      await message(page, "That file is no preset of Vigent.").waitFor();
      await take.setInputFiles({
        name: "w.json",
        mimeType: "application/json",
        buffer: Buffer.from(JSON.stringify(other)),
      });
      await page.getByRole("button", { name: "Wide", exact: true }).click();
      assert.ok(await page.getByRole("radio", { name: "16:9" }).isChecked());
      await message(page, "No longer in the library and left out: the music.").waitFor();
    });
  });

  test("hearing a track chooses it; one sound is heard at a time; a choice by accident is undone", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      const music = page.getByRole("switch", { name: "Music under the voice" });
      assert.equal(await music.getAttribute("aria-checked"), "false");
      await page.getByRole("button", { name: "Listen to Morning Light" }).click();
      const playing = page.getByRole("button", { name: "Stop Morning Light" });
      await playing.waitFor();
      assert.ok(await page.getByRole("radio", { name: /Morning Light/ }).isChecked());
      assert.equal(await music.getAttribute("aria-checked"), "true");
      await page.getByRole("button", { name: "Listen to Woman, deep" }).click();
      await page.getByRole("button", { name: "Stop Woman, deep" }).waitFor();
      await playing.waitFor({ state: "detached" });
      await message(page, "plays under your film").getByRole("button", { name: "Undo" }).click();
      await page.waitForFunction(
        () => document.querySelector('[role="switch"]')?.getAttribute("aria-checked") === "false",
      );
    });
  });

  test("choices outlive the page, and what has left the library is dropped and told", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await page.getByRole("textbox", { name: "What the presenter says" }).fill("你好。");
      await page.getByRole("radio", { name: "16:9" }).check();
      await page.evaluate(() => scrollTo(0, 900));
      await page.reload();
      assert.ok(await page.getByRole("radio", { name: "16:9" }).isChecked());
      assert.equal(await page.locator("textarea").inputValue(), "你好。");
      assert.equal(await page.evaluate(() => scrollY), 0);
      await page.evaluate(() => {
        const kept = JSON.parse(localStorage.getItem("vigent.choices") ?? "");
        kept.request.music = "f".repeat(64);
        localStorage.setItem("vigent.choices", JSON.stringify(kept));
      });
      await page.reload();
      await message(page, "No longer in the library and left out: the music.").waitFor();
      await page.getByRole("button", { name: "Reset settings" }).click();
      assert.ok(await page.getByRole("radio", { name: "9:16" }).isChecked());
      assert.equal(await page.locator("textarea").inputValue(), "你好。");
    });
  });

  test("a broken memory of the browser is no broken page", async () => {
    await onPage(studio.browser, studio.mesh.url, "/mesh", async (page) => {
      await page.evaluate(() => localStorage.setItem("vigent.choices", '{"version":1,"request":{"scr'));
      await page.goto(studio.mesh.url);
      await page.getByRole("button", { name: "Make the film" }).waitFor();
    });
  });
}
