/** One RPC: answers written as fast as its caller reads, errors turned into status, everything counted. */

import { once } from "node:events";
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import { CancelledError, DeadlineExceededError, InternalError, UnavailableError, VigentError } from "./errors.js";
import { log } from "./log.js";
import type { Metrics } from "./metrics.js";
import { statusOf } from "./status.js";

const WIRE_GRAIN_MS = 1;

export class StreamingCall<Request, Response> {
  readonly #left = new AbortController();
  readonly #startedMs = performance.now();

  constructor(
    private readonly call: ServerWritableStream<Request, Response>,
    private readonly callerBudgetS: number,
  ) {
    call.on("cancelled", () => this.#left.abort());
    call.on("error", () => this.#left.abort());
  }

  get request(): Request {
    return this.call.request;
  }

  /** Aborts when the caller cancels, leaves, or its deadline passes. */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  get ageS(): number {
    return (performance.now() - this.#startedMs) / 1000;
  }

  /** Writes an answer and waits until the caller takes more. Throws UnavailableError when it does not, CancelledError when it has gone. */
  async write(response: Response): Promise<void> {
    if (this.left.aborted) throw new CancelledError("The caller cancelled this call.");
    if (this.call.write(response)) return;
    const idle = AbortSignal.timeout(this.callerBudgetS * 1000);
    try {
      await once(this.call, "drain", { signal: AbortSignal.any([this.left, idle]) });
    } catch {
      if (!idle.aborted) throw new CancelledError("The caller cancelled this call.");
      const problem = `The caller neither read nor sent for ${this.callerBudgetS} s.`;
      throw new UnavailableError(problem, "Call again, and keep up with it.", { reason: "CALLER_IDLE" });
    }
  }

  /** Writes an answer that may be left out when the caller reads slowly. */
  offer(response: Response): void {
    if (!this.left.aborted && !this.call.writableNeedDrain) this.call.write(response);
  }

  /** Runs `behave` and ends the call as it ended. */
  async serve(method: string, metrics: Metrics, behave: () => Promise<void>): Promise<void> {
    const code = await this.#outcome(method, behave);
    metrics.requestEnded(method, status[code], this.ageS);
    log("INFO", "call", `${method} ended with ${status[code]} after ${this.ageS.toFixed(3)} s`);
  }

  async #outcome(method: string, behave: () => Promise<void>): Promise<status> {
    try {
      if (this.#late())
        throw new DeadlineExceededError("The deadline had passed before the work began.", "Allow more time.");
      await behave();
      this.call.end();
      return status.OK;
    } catch (error) {
      if (this.left.aborted) return this.#late() ? status.DEADLINE_EXCEEDED : status.CANCELLED;
      const known = error instanceof VigentError ? error : unknown(method, error);
      this.call.emit("error", statusOf(known));
      return known.code;
    }
  }

  #late(): boolean {
    return Number(this.call.getDeadline()) - Date.now() <= WIRE_GRAIN_MS;
  }
}

function unknown(method: string, error: unknown): InternalError {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log("ERROR", "call", `${method} failed: ${trace}`);
  return new InternalError("The server failed.", "See its log.");
}
