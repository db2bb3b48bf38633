/** A thousand works, of which only those in sight are loaded and drawn. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { onPage } from "./browser.js";
import { runPython } from "./mesh.js";
import type { Studio } from "./studio.test.js";

const WORKS = 1000;

export function workTests(studio: Studio): void {
  test("a thousand works are listed without loading all", async () => {
    runPython("tests.support.many_works", studio.mesh.data, String(WORKS));
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      let asked = 0;
      page.on("request", (request) => {
        if (request.url().includes("page_size=24")) asked += 1;
      });
      await page.getByRole("link", { name: "Works" }).click();
      await page.getByText(`Work ${WORKS}`, { exact: true }).waitFor();
      const cards = page.locator(".work-card");
      assert.ok((await cards.count()) < 48, `${await cards.count()} cards`);
      assert.ok(asked <= 3, `${asked} requests`);
      const before = asked;
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      await page.waitForFunction(() => document.querySelectorAll(".work-card").length > 0);
      await page.getByText(`Work ${WORKS - 30}`, { exact: true }).waitFor();
      assert.ok(asked > before);
      assert.ok((await cards.count()) < 60);
    });
  });

  test("a work that is not there is told", async () => {
    await onPage(studio.browser, studio.mesh.url, "/works/job-none", async (page) => {
      await page.getByText("This film is not there, or was deleted.").waitFor();
    });
  });
}
