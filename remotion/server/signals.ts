/** SIGTERM and SIGINT: the first asks for a drain, the second for an end at once. */

import { log } from "./log.js";

export class StopSignals {
  readonly first: Promise<void>;
  readonly second: Promise<void>;

  constructor() {
    const received: (() => void)[] = [];
    this.first = new Promise((resolve) => received.push(resolve));
    this.second = new Promise((resolve) => received.push(resolve));
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        log("INFO", "server", `received ${signal}`);
        received.shift()?.();
      });
    }
  }
}
