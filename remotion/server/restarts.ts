/** How often browsers died: growing pauses between starts, and an end of hope, as in services/runtime/worker/restarts.py. */

import { setTimeout } from "node:timers/promises";

const FRUITLESS_LIMIT = 2;
const FIRST_PAUSE_S = 0.5;
const LONGEST_PAUSE_S = 30;

export class Restarts {
  #fruitless = 0;
  #worked = false;

  died(): void {
    this.#fruitless = this.#worked ? 0 : this.#fruitless + 1;
    this.#worked = false;
  }

  /** The present browser does its work. */
  unitFinished(): void {
    this.#worked = true;
    this.#fruitless = 0;
  }

  /** Whether two browsers in a row died without one finished frame. */
  get fruitless(): boolean {
    return this.#fruitless >= FRUITLESS_LIMIT;
  }

  get pauseS(): number {
    if (!this.fruitless) return 0;
    return Math.min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (this.#fruitless - FRUITLESS_LIMIT));
  }

  /** Waits before the next start, or until `stop` aborts. */
  async pause(stop: AbortSignal): Promise<void> {
    if (this.pauseS > 0) await setTimeout(this.pauseS * 1000, undefined, { signal: stop }).catch(() => undefined);
  }
}
