/** Who draws: the renderer, the browser and the code. Part of the recipe under which pictures are kept by callers. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { PACKAGE } from "./paths.js";

/** First 16 hexadecimal digits of the SHA-256 over files and folders of this package. */
export function sourceDigest(...names: readonly string[]): string {
  const digest = createHash("sha256");
  for (const path of names.flatMap(filesOf).sort()) {
    digest.update(`${relative(PACKAGE, path)}\0`).update(readFileSync(path));
  }
  return digest.digest("hex").slice(0, 16);
}

/** Name of the renderer, version of the browser, digest of the code; ASCII, for metadata. */
export function engineIdentity(renderer: string, browser: string): string {
  return `${renderer} ${browser.replace(/[^!-~]/g, "-")} ${sourceDigest("src", "server", "package-lock.json")}`;
}

function filesOf(name: string): string[] {
  const path = join(PACKAGE, name);
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [path];
  }
}
