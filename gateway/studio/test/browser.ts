/** System Chromium, and pages in it that must not complain. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** A busy machine makes everything late; nothing is judged by its time. */
export const PATIENCE_MS = 300_000;

export function openBrowser(): Promise<Browser> {
  const script = 'for name; do command -v "$name" && exit; done; exit 1';
  const executablePath = execFileSync("sh", ["-c", script, "sh", ...NAMES], { encoding: "utf8" }).trim();
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", "--mute-audio", "--disable-gpu"];
  return chromium.launch({ executablePath, args });
}

/** The message that tells of something. */
export function message(page: Page, text: string): Locator {
  return page.locator(".toast").filter({ hasText: text });
}

const EXPECTED =
  /status of (404|409|422|503)|ERR_CONNECTION|ERR_INTERNET|ERR_INCOMPLETE|ERR_EMPTY_RESPONSE|ERR_NETWORK/;

/** Runs `use` on a fresh page at `path`; afterwards it must have neither failed nor broken its policy. */
export async function onPage(
  browser: Browser,
  url: string,
  path: string,
  use: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const context = await browser.newContext({ locale: "en-US", viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !EXPECTED.test(message.text())) complaints.push(message.text());
  });
  try {
    await page.goto(url + path);
    await use(page);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
  }
}
