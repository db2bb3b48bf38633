/** Starts Chromium the way this child needs it. Never downloads one. */

import { join } from "node:path";
import { openBrowser } from "@remotion/renderer";
import { PACKAGE } from "./paths.js";

/** A started Chromium, as Remotion hands it out. */
export type Chromium = Awaited<ReturnType<typeof openBrowser>>;

/** It does not start; the message is what it said last. */
export class ChromiumFault extends Error {}

/** Starts the executable. Throws ChromiumFault. */
export async function startChromium(executable: string): Promise<Chromium> {
  process.env.VIGENT_CHROMIUM_EXECUTABLE = executable;
  try {
    return await openBrowser("chrome", {
      browserExecutable: join(PACKAGE, "child", "chromium.sh"),
      chromeMode: "chrome-for-testing",
      logLevel: "error",
    });
  } catch (error) {
    throw new ChromiumFault(lastWords(String(error)), { cause: error });
  }
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

/** The last line of Chromium itself in what Remotion says of a start that failed; its crash handler always has one. */
function lastWords(said: string): string {
  const own = said
    .split("\n")
    .filter((line) => !/^\s*(at |$)|^Troubleshooting|^Error: |Failed to launch|crashpad/.test(line));
  return own.at(-1)?.trim() ?? "it ended without a word";
}
