/** For everybody: by keyboard, in both languages and themes, on every width, and quick to load. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { onPage } from "./browser.js";
import type { Studio } from "./studio.test.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGES = ["/", "/works", "/batch", "/publish", "/library/footage", "/library/voices", "/library/music", "/mesh"];
const WIDTHS = [360, 390, 768, 1024, 1440, 2560];
const MOST_SCRIPT_BYTES = 250_000;

export function accessTests(studio: Studio): void {
  for (const [locale, colorScheme] of [
    ["en-US", "light"],
    ["zh-CN", "dark"],
  ] as const) {
    test(`axe finds nothing serious, in ${locale} and ${colorScheme}`, async () => {
      const film = await newestFilm(studio);
      for (const path of [...PAGES, `/works/${film}`]) {
        await onPage(studio.browser, studio.mesh.url, path, (page) => examine(page, path), { locale, colorScheme });
      }
    });
  }

  test("no page is wider than its window", async () => {
    const film = await newestFilm(studio);
    for (const path of [...PAGES, `/works/${film}`]) {
      await onPage(studio.browser, studio.mesh.url, path, async (page) => {
        await settled(page);
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 800 });
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${path} is ${over} pixels too wide at ${width}`);
        }
      });
    }
  });

  test("a film is ordered by keyboard alone, and ? lists the keys", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await settled(page);
      await page.keyboard.press("?");
      await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("5");
      await page.waitForURL("**/mesh");
      await page.keyboard.press("Control+k");
      await page.getByRole("combobox", { name: "Go anywhere" }).waitFor();
      await page.keyboard.type("publ");
      await page.keyboard.press("Enter");
      await page.waitForURL("**/publish");
      await page.keyboard.press("1");
      await page.waitForURL(`${studio.mesh.url}/`);
      await tabTo(page, "What the presenter says");
      await page.keyboard.type("By keyboard? Yes.");
      await tabTo(page, "Make the film");
      await page.keyboard.press("Enter");
      await page.waitForURL("**/works/job-*");
      await tabTo(page, "Cancel");
      await page.keyboard.press("Enter");
      await page
        .getByText(/^Cancelled/)
        .first()
        .waitFor();
    });
  });

  test("the first load is light", async () => {
    await onPage(studio.browser, studio.mesh.url, "/", async (page) => {
      await settled(page);
      const urls = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => entry.name));
      const scripts = await Promise.all(
        urls.filter((url) => url.endsWith(".js")).map(async (url) => (await page.request.get(url)).body()),
      );
      const bytes = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0);
      assert.ok(scripts.length > 0 && bytes <= MOST_SCRIPT_BYTES, `${bytes} bytes of script`);
    });
  });
}

async function settled(page: Page): Promise<void> {
  await page.locator("h1").first().waitFor({ state: "attached" });
  await page.waitForFunction(() => document.querySelector(".loading") === null);
}

export async function examine(page: Page, path: string): Promise<void> {
  await settled(page);
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: Violation[] }> } };
    return (await axe.run()).violations;
  });
  const serious = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  assert.deepEqual(
    serious.map(({ id, nodes }) => `${path}: ${id}: ${nodes[0]?.html}`),
    [],
  );
}

type Violation = { id: string; impact: string; nodes: { html: string }[] };

/** Presses Tab until what has this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 150; presses += 1) {
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute("aria-label") ?? element?.textContent?.trim();
    });
    if (focused === name) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`Tab never reaches ${name}`);
}

async function newestFilm(studio: Studio): Promise<string> {
  const response = await fetch(`${studio.mesh.url}/api/v1/jobs?state=done&page_size=1`);
  return ((await response.json()) as { jobs: { id: string }[] }).jobs[0]?.id ?? "";
}
