/** System Chromium, and pages in it that must not complain. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** A busy machine makes everything late; nothing is judged by its time. */
export const PATIENCE_MS = 300_000;

export function openBrowser(): Promise<Browser> {
  const script = 'for name; do command -v "$name" && exit; done; exit 1';
  const executablePath = execFileSync("sh", ["-c", script, "sh", ...NAMES], { encoding: "utf8" }).trim();
  const microphone = join(mkdtempSync(join(tmpdir(), "vigent-microphone-")), "voice.wav");
  writeFileSync(microphone, speechLike(0.3));
  const args = ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server", "--mute-audio", "--disable-gpu"];
  args.push("--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${microphone}`);
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

const RATE_HZ = 48_000;

/** A WAV file of six seconds: syllables of a tone with silence between them, as loud as `peak`. */
export function speechLike(peak: number): Buffer {
  const samples = 6 * RATE_HZ;
  const file = Buffer.alloc(44 + 2 * samples);
  file.write("RIFF", 0);
  file.writeUInt32LE(file.length - 8, 4);
  file.write("WAVEfmt ", 8);
  file.writeUInt32LE(16, 16);
  file.writeUInt16LE(1, 20);
  file.writeUInt16LE(1, 22);
  file.writeUInt32LE(RATE_HZ, 24);
  file.writeUInt32LE(2 * RATE_HZ, 28);
  file.writeUInt16LE(2, 32);
  file.writeUInt16LE(16, 34);
  file.write("data", 36);
  file.writeUInt32LE(2 * samples, 40);
  for (let n = 0; n < samples; n += 1) {
    const speaking = (n / RATE_HZ) % 0.6 < 0.4;
    const value = speaking ? peak * Math.sin((2 * Math.PI * 300 * n) / RATE_HZ) : 0;
    file.writeInt16LE(Math.round(value * 32_767), 44 + 2 * n);
  }
  return file;
}
