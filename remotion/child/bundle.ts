/** The page that Chromium loads: bundled at build time, and again at start when its sources have changed. */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { bundle } from "@remotion/bundler";
import { PACKAGE } from "./paths.js";

const FOLDER = join(PACKAGE, "build");
const DIGEST = "sources.sha256";

/** Folder of a bundle of the present sources; made when there is none. */
export async function ensureBundle(): Promise<string> {
  const digest = sourceDigest("src", "package-lock.json");
  if (isMade(digest)) return FOLDER;
  const fresh = `${FOLDER}.${process.pid}`;
  await mkdir(fresh, { recursive: true });
  try {
    await bundle({ entryPoint: join(PACKAGE, "dist", "src", "index.js"), outDir: fresh, onProgress: () => undefined });
    await writeFile(join(fresh, DIGEST), digest);
    if (!isMade(digest)) await putInPlace(fresh, digest); // else another process was as quick
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return FOLDER;
}

/** First 16 hexadecimal digits of the SHA-256 over files and folders of this package. */
export function sourceDigest(...names: readonly string[]): string {
  const digest = createHash("sha256");
  for (const path of names.flatMap(filesOf).sort()) {
    digest.update(`${relative(PACKAGE, path)}\0`).update(readFileSync(path));
  }
  return digest.digest("hex").slice(0, 16);
}

function filesOf(name: string): string[] {
  const path = join(PACKAGE, name);
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function isMade(digest: string): boolean {
  const file = join(FOLDER, DIGEST);
  return existsSync(file) && readFileSync(file, "utf8") === digest;
}

async function putInPlace(fresh: string, digest: string): Promise<void> {
  try {
    await rm(FOLDER, { recursive: true, force: true });
    await rename(fresh, FOLDER);
  } catch (error) {
    if (!isMade(digest)) throw error;
  }
}
