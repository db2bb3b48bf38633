/** Admission: so many calls work, so many wait, the others are refused at once with a hint when to come back. */

import { CancelledError, ExhaustedError } from "./errors.js";

const LEAST_RETRY_S = 0.5;
const MOST_RETRY_S = 60;
const LATEST_CALL_WEIGHT = 0.2;

/** The right to work; `queuePosition` calls had waited before this one. */
export interface Slot {
  readonly queuePosition: number;
  readonly takenMs: number;
}

export type Refusal = "queue_full" | "caller_left" | "unavailable";

/** Hands out slots in order of arrival. */
export class Admission {
  #working = 0;
  #typicalCallS = 1;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly slots: number,
    private readonly queueLimit: number,
    private readonly refused: (reason: Refusal) => void = () => undefined,
  ) {}

  get queueDepth(): number {
    return this.#waiting.length;
  }

  /** Waits for a slot. Throws ExhaustedError when the queue is full, CancelledError when `left` aborts. */
  async acquire(left: AbortSignal): Promise<Slot> {
    const queuePosition = this.#waiting.length;
    if (this.#working < this.slots && queuePosition === 0) {
      this.#working += 1;
      return { queuePosition: 0, takenMs: performance.now() };
    }
    if (queuePosition >= this.queueLimit) throw this.#full(queuePosition);
    await this.#turn(left);
    return { queuePosition, takenMs: performance.now() };
  }

  /** Gives a slot to the next in line. */
  release(slot: Slot): void {
    const callS = (performance.now() - slot.takenMs) / 1000;
    this.#typicalCallS += LATEST_CALL_WEIGHT * (callS - this.#typicalCallS);
    const next = this.#waiting.shift();
    if (next) next();
    else this.#working -= 1;
  }

  #turn(left: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = (): void => {
        left.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        this.refused("caller_left");
        reject(new CancelledError("The caller left the queue."));
      };
      left.addEventListener("abort", leave, { once: true });
      this.#waiting.push(take);
    });
  }

  #full(waiting: number): ExhaustedError {
    this.refused("queue_full");
    const waitS = (this.#typicalCallS * (waiting + 1)) / this.slots;
    return new ExhaustedError(
      `All ${this.slots} slots work and ${waiting} calls wait.`,
      "Try again later or on another replica.",
      { reason: "QUEUE_FULL", retryAfterS: Math.min(MOST_RETRY_S, Math.max(LEAST_RETRY_S, waitS)) },
    );
  }
}
