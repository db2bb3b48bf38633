/** One folder for all that Chromium and Remotion leave behind, above all when they are killed. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes this process and its children write their temporary files there; it goes when the process ends. */
export function enterScratchFolder(): void {
  const folder = mkdtempSync(join(tmpdir(), "vigent-overlay-"));
  process.env.TMPDIR = folder;
  process.on("exit", () => {
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Chromium, ended while it was starting, still writes; it goes with this process, what it wrote stays.
    }
  });
}
