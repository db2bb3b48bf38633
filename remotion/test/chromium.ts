/** The Chromium of this machine for tests, and a folder for all that it leaves behind. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** Its path: VIGENT_OVERLAY_OPTIONS__CHROMIUM, or the first of the usual names on the PATH. */
export function chromiumPath(): string {
  const named = process.env.VIGENT_OVERLAY_OPTIONS__CHROMIUM;
  const script = 'for name; do command -v "$name" && exit; done; exit 1';
  return named ?? execFileSync("sh", ["-c", script, "sh", ...NAMES], { encoding: "utf8" }).trim();
}

/** Makes this process and its children write their temporary files where they go with it. */
export function enterScratchFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), "vigent-test-"));
  process.env.TMPDIR = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
}
