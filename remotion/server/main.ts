/** `node remotion/dist/server/main.js`: exit code 0 drained, 1 Chromium cannot be started or the drain was cut short, 2 wrong settings, 75 a port is taken. */

import { FailedPreconditionError, InvalidInputError, PORT_TAKEN, VigentError } from "./errors.js";
import { configureLogging, log } from "./log.js";
import { enterScratchFolder } from "./scratch.js";
import { serve } from "./server.js";
import { loadSettings } from "./settings.js";
import { StopSignals } from "./signals.js";

const EXIT_DONE = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_PORT_TAKEN = 75;

async function main(): Promise<number> {
  try {
    const settings = loadSettings(process.env);
    configureLogging(settings.logLevel);
    enterScratchFolder();
    return (await serve(settings, new StopSignals())) ? EXIT_DONE : EXIT_FAILED;
  } catch (error) {
    if (!(error instanceof VigentError))
      log("CRITICAL", "server", error instanceof Error ? String(error.stack) : String(error));
    process.stderr.write(`overlay: ${error instanceof VigentError ? error.message : "The server failed."}\n`);
    if (error instanceof VigentError && error.reason === PORT_TAKEN) return EXIT_PORT_TAKEN;
    const usage = error instanceof InvalidInputError || error instanceof FailedPreconditionError;
    return usage ? EXIT_USAGE : EXIT_FAILED;
  }
}

process.exit(await main());
