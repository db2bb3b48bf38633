/** From a script to a film that is watched, downloaded, made again and deleted. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { examine } from "./access.js";
import { message, onPage } from "./browser.js";
import type { Studio } from "./studio.test.js";

const SCRIPT = "大家好，我们开始。\nIt streams all the way.\n再见。";

/** Writes a script and chooses a small film. */
export async function fill(page: Page, script: string): Promise<void> {
  await page.getByRole("textbox", { name: "What the presenter says" }).fill(script);
  await page.getByRole("radio", { name: "720p" }).check();
  await page.getByRole("radio", { name: "Draft" }).check();
}

export function filmTests(studio: Studio): void {
  test("the first start offers the demo, and shows how it will look", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await page.getByRole("button", { name: "Use the demo" }).click();
      await page.getByText("7 sentences", { exact: true }).waitFor();
      await page.getByText("read as").first().waitFor();
      const drawn = page.getByAltText("How the film will look");
      await drawn.waitFor();
      await page.waitForFunction(
        () => (document.querySelector(".look img") as HTMLImageElement).naturalHeight === 1920,
      );
      const shown = await drawn.getAttribute("src");
      await page.getByRole("switch", { name: "Show what the app leaves free" }).click();
      await page.locator(".safe").waitFor();
      await page.getByRole("radio", { name: "Karaoke" }).check();
      await page.waitForFunction((src) => document.querySelector(".look img")?.getAttribute("src") !== src, shown);
    });
  });

  test("a script becomes a film that plays while it is made", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await fill(page, SCRIPT);
      await page.getByText("3 sentences, about").waitFor();
      await page.keyboard.press("Control+Enter");
      await page.waitForURL("**/works/job-*");
      await page.getByRole("progressbar", { name: "Whole film" }).waitFor();
      await page.waitForFunction(() => /^\d+ %/.test(document.title));
      const video = page.locator("video");
      await video.waitFor();
      assert.match((await video.getAttribute("src")) ?? "", /^blob:/);
      await video.evaluate((element: HTMLVideoElement) => element.play());
      await page.getByText("Finished", { exact: true }).waitFor();
      await page.waitForFunction(() => document.querySelector("video")?.src.endsWith("/film.mp4"));
      await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 0);
      await watch(page);
      await download(page);
      await page.getByRole("heading", { name: "Report" }).waitFor();
    });
  });

  test("all settings of a film are taken for the next one", async () => {
    await onPage(studio.browser, studio.mesh.url, "/works", async (page) => {
      await page.getByRole("link", { name: /大家好/ }).click();
      await page.getByRole("button", { name: "Use these settings" }).click();
      await page.waitForFunction((script) => document.querySelector("textarea")?.value === script, SCRIPT);
      assert.ok(await page.getByRole("radio", { name: "Draft" }).isChecked());
      await message(page, "All settings of that film").getByRole("button", { name: "Undo" }).click();
      await page.waitForFunction(() => document.querySelector("textarea")?.value === "");
    });
  });

  test("a sentence is changed: what will be made is counted before, and both films are compared", async () => {
    await onPage(studio.browser, studio.mesh.url, "/works", async (page) => {
      await page.getByRole("link", { name: /大家好/ }).click();
      await page.getByRole("button", { name: "Change sentence 2" }).click();
      const editor = page.getByRole("textbox", { name: "Say this instead" });
      assert.equal(await editor.inputValue(), "It streams all the way.");
      await editor.fill("It never waits.");
      await page.getByText("2 of 3 sentences will be made again").waitFor(); // the third begins in the opening, and moves
      await page.getByText("1 has to be spoken.").waitFor();
      const before = new URL(page.url()).pathname;
      await page.getByRole("button", { name: "Make the film anew" }).click();
      await page.waitForURL(({ pathname }) => pathname !== before); // the film before is finished too
      await page.getByText("Finished", { exact: true }).waitFor();
      await page.getByRole("link", { name: "Compare" }).click();
      await page.getByText("Said in one film only: Left").waitFor();
      await page.getByText("It streams all the way.", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Play both from the start" }).click();
      await page.waitForFunction(() => [...document.querySelectorAll("video")].every((video) => video.currentTime > 0));
      assert.deepEqual(
        await page.locator("video").evaluateAll((videos) => videos.map((video) => (video as HTMLVideoElement).muted)),
        [false, true],
      );
    });
  });

  test("a sentence gets another voice and another take, heard before either is chosen", async () => {
    await onPage(studio.browser, studio.mesh.url, "/works", async (page) => {
      await page
        .getByRole("link", { name: /大家好/ })
        .last()
        .click();
      await page.getByRole("button", { name: "Change sentence 3" }).click();
      await page.getByRole("radio", { name: "Take 1" }).waitFor();
      await page.getByRole("button", { name: "Speak another take" }).click();
      await page.getByText("This voice says it the same way each time").waitFor();
      await examine(page, "the editor of a sentence");
      await page.getByRole("combobox", { name: "Said by" }).selectOption({ index: 2 });
      await page.getByText("1 of 3 sentences will be made again").waitFor();
      await page.getByText("1 has to be spoken.").waitFor();
      await page.getByRole("button", { name: "Listen to Take 1" }).click();
      await page.getByRole("button", { name: "Stop Take 1" }).waitFor();
      const before = new URL(page.url()).pathname;
      await page.getByRole("button", { name: "Make the film anew" }).click();
      await page.waitForURL(({ pathname }) => pathname !== before);
      await page.getByText("Finished", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Change sentence 3" }).click();
      assert.notEqual(await page.getByRole("combobox", { name: "Said by" }).inputValue(), "");
    });
  });

  test("a film is cancelled at once, says what is kept, and goes on; deleting can be undone", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await fill(page, "这是第一句。\n这是第二句，也要说完。\n这是第三句，再说一会儿。\n这是最后一句。");
      await page.getByRole("button", { name: "Make the film" }).click();
      await page.getByRole("button", { name: "Cancel" }).click();
      await page
        .getByText(/^Cancelled/)
        .first()
        .waitFor();
      await page.getByRole("button", { name: "Go on where it stopped" }).click();
      await page.getByText("Finished", { exact: true }).waitFor();
      await page.getByRole("button", { name: "Delete" }).click();
      await message(page, "is deleted").getByRole("button", { name: "Undo" }).click();
      const card = page.getByRole("link", { name: /这是第一句/ });
      await card.click();
      await page.getByRole("button", { name: "Delete" }).click();
      const gone = page.waitForResponse((response) => response.request().method() === "DELETE");
      await message(page, "is deleted").getByRole("button", { name: "Close the message" }).click();
      assert.equal((await gone).status(), 204);
      await card.waitFor({ state: "detached" });
    });
  });
}

/** A click on a word leads there, and the word lights up. */
async function watch(page: Page): Promise<void> {
  const word = page.getByRole("button", { name: "streams", exact: true });
  await word.click();
  await page.waitForFunction(() => document.querySelector(".word-now") !== null);
  const time_s = await page.locator("video").evaluate((element: HTMLVideoElement) => element.currentTime);
  assert.ok(time_s > 1, `${time_s} s`);
}

async function download(page: Page): Promise<void> {
  const [film] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: /^Film/ }).click()]);
  const bytes = readFileSync(await film.path());
  assert.equal(bytes.subarray(4, 8).toString(), "ftyp");
  for (const name of ["SRT", "VTT", "ASS", "Cover"]) await page.getByRole("link", { name }).waitFor();
}
