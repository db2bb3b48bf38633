/** How captions look: words lit in turn before a film is made, and styles of one's own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { examine } from "./access.js";
import { message, onPage } from "./browser.js";
import { fill } from "./films.js";
import type { Studio } from "./studio.test.js";

export function lookTests(studio: Studio): void {
  test("the words of the first sentence light up in turn, drawn by the engine of the film", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await fill(page, "One word lights up after the other.");
      await page.getByRole("radio", { name: "Karaoke" }).check();
      await page.getByRole("button", { name: "Light up the words" }).click();
      const film = page.getByLabel("The first sentence, word by word");
      await film.waitFor();
      await page.waitForFunction(() => (document.querySelector<HTMLVideoElement>(".look video")?.currentTime ?? 0) > 0);
      assert.equal(await film.evaluate((video: HTMLVideoElement) => video.videoHeight), 1280);
      await page.getByRole("button", { name: "Stand still" }).click();
      await film.waitFor({ state: "detached" });
    });
  });

  test("each style has a picture by the engine of the film, drawn once it is looked at", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      const pictures = page.locator(".looks .style-picture");
      await pictures.first().waitFor();
      assert.equal(await pictures.locator("img").count(), 0);
      await pictures.last().scrollIntoViewIfNeeded();
      const count = await pictures.count();
      await page.waitForFunction((all) => document.querySelectorAll(".looks .style-picture img").length === all, count);
      await page.waitForFunction(() =>
        [...document.querySelectorAll<HTMLImageElement>(".looks img")].every((image) => image.naturalWidth === 540),
      );
      const shown = await pictures
        .locator("img")
        .evaluateAll((images) => images.map((image) => image.getAttribute("src")));
      assert.equal(new Set(shown).size, count);
    });
  });

  test("a style is made from another one, seen while it changes, and kept for films", async () => {
    await onPage(studio.browser, studio.mesh.url, "/library/styles", async (page) => {
      await page.getByRole("button", { name: "Make a style from Karaoke" }).click();
      const drawn = page.getByAltText("How the film will look");
      await drawn.waitFor();
      const before = await drawn.getAttribute("src");
      await page.getByLabel("Letters", { exact: true }).fill("#ff0000");
      await page.waitForFunction((src) => document.querySelector(".look img")?.getAttribute("src") !== src, before);
      await page.getByRole("radio", { name: "On a pill" }).check();
      await page.getByLabel("Colour of the pill").waitFor();
      await page.getByText("More settings").click();
      await page.getByRole("switch", { name: "Gradient in the letters" }).click();
      await page.getByLabel("Colour at the bottom").fill("#0000ff");
      await page.getByRole("radio", { name: "Sinking" }).check();
      await page.getByLabel("Letters", { exact: true }).fill("#ff0000");
      await examine(page, "the editor of a style");
      await page.getByLabel("Name", { exact: true }).fill("Red pill");
      await page.getByRole("button", { name: "Keep as a style" }).click();
      await message(page, "Red pill is in the library").waitFor();
      await page.getByRole("heading", { name: "Red pill" }).waitFor();
      const { items } = await (await page.request.get(`${studio.mesh.url}/api/v1/styles`)).json();
      const kept = items.find((style: { name: string }) => style.name === "Red pill");
      assert.deepEqual(kept.style.fill, { color: "#ff0000", to: "#0000ff" });
      assert.deepEqual(kept.style.out, { kind: "slide", frames: 6 });
      assert.equal(kept.style.highlight.mode, "pill");
      await page.goto(studio.mesh.url);
      await page.getByRole("radio", { name: "Red pill" }).check();
    });
  });
}
