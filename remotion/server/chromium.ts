/** Finds Chromium and starts it the way this server needs it. Never downloads one. */

import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { openBrowser } from "@remotion/renderer";
import { FailedPreconditionError } from "./errors.js";
import { PACKAGE } from "./paths.js";

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** A started Chromium, as Remotion hands it out. */
export type Chromium = Awaited<ReturnType<typeof openBrowser>>;

/** Path of the executable: `setting` (a path or a name), or the first of the usual names on PATH. */
export function findChromium(setting: string, path: string = process.env.PATH ?? ""): string {
  const names = setting === "" ? NAMES : [setting];
  for (const name of names) {
    const found = name.includes("/") ? [name] : path.split(delimiter).map((folder) => join(folder, name));
    const executable = found.find(isExecutable);
    if (executable !== undefined) return executable;
  }
  throw new FailedPreconditionError(
    `There is no ${names.join(", ")} to draw with.`,
    "Install Chromium (Debian: apt-get install chromium), set VIGENT_OVERLAY_CHROMIUM, or use the plain renderer.",
    { field: "chromium", reason: "CHROMIUM_NOT_FOUND" },
  );
}

/** Starts the executable. Its signals are left to us: Remotion would end it at the SIGTERM that begins a drain. */
export async function startChromium(executable: string): Promise<Chromium> {
  process.env.VIGENT_CHROMIUM_EXECUTABLE = executable;
  const before = SIGNALS.map((signal) => new Set(process.listeners(signal)));
  const chromium = await openBrowser("chrome", {
    browserExecutable: join(PACKAGE, "server", "chromium.sh"),
    chromeMode: "chrome-for-testing",
    logLevel: "error",
  });
  SIGNALS.forEach((signal, index) => {
    for (const listener of process.listeners(signal)) {
      if (!before[index]?.has(listener)) process.off(signal, listener);
    }
  });
  return chromium;
}

/** Ends it and its children at once. */
export async function end(chromium: Chromium): Promise<void> {
  await chromium.close({ silent: true }).catch(() => undefined);
}

/** Name and version, such as "Chrome/156.0.8078.79". */
export async function versionOf(chromium: Chromium): Promise<string> {
  // Remotion's types know only the commands that it sends itself.
  const connection = chromium.connection as unknown as {
    send(command: string): Promise<{ value: { product: string } }>;
  };
  return (await connection.send("Browser.getVersion")).value.product;
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return existsSync(path);
  } catch {
    return false;
  }
}
