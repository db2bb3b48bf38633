/** Many films from one table. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { onPage } from "./browser.js";
import { fill } from "./films.js";
import type { Studio } from "./studio.test.js";

const TABLE = 'name,said\nAnna,"Hello, ""world""."\nBen,\n';

export function batchTests(studio: Studio): void {
  test("one row of a table is tried, then each row is made once", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await fill(page, "I am {{name}}. {{sayd}}");
      await page.waitForFunction(() => localStorage.getItem("vigent.choices")?.includes("sayd"));
      await page.goto(`${studio.mesh.url}/batch`);
      await page.getByRole("textbox", { name: "Paste rows from a spreadsheet" }).fill(TABLE);
      await page.getByText("The table has no column for: sayd.").waitFor();
      assert.ok(await page.getByRole("button", { name: "Try the first row" }).isDisabled());
      await page.getByRole("textbox", { name: "Script" }).fill("I am {{name}}. {{said}}");
      await page.getByText('I am Anna. Hello, "world".').waitFor();
      assert.ok(await page.getByRole("button", { name: "Make all 2 films" }).isDisabled());
      await page.getByRole("button", { name: "Try the first row" }).click();
      await page.locator(".batch-trial .badge-done").waitFor();
      await page.reload();
      await page.getByRole("button", { name: "Make all 2 films" }).click();
      await page.waitForFunction(() => document.querySelectorAll(".batch-rows .badge-done").length === 2);
      const films = await page.locator(".batch-rows a").evaluateAll(addresses);
      assert.equal(new Set(films).size, 2);
      await page.getByRole("button", { name: "Make all 2 films" }).click();
      await page.reload();
      await page.waitForFunction(() => document.querySelectorAll(".batch-rows a").length === 2);
      assert.deepEqual(await page.locator(".batch-rows a").evaluateAll(addresses), films);
    });
  });
}

const addresses = (links: Element[]) => links.map((link) => (link as HTMLAnchorElement).pathname);
