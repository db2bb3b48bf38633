/** The vocabulary of failure, as in services/base/errors.py; `status.ts` alone turns it into gRPC codes. */

import { status } from "@grpc/grpc-js";

export interface Details {
  /** Which input is at fault: a path such as "cues[0].lines"; empty when none is. */
  readonly field?: string;
  /** Machine-readable name, UPPER_SNAKE_CASE. */
  readonly reason?: string;
  readonly retryAfterS?: number;
}

/** Something went wrong that a person can understand: what is wrong, and what to do. */
export abstract class VigentError extends Error {
  abstract readonly code: status;
  protected abstract readonly defaultReason: string;
  readonly field: string;
  readonly retryAfterS: number | undefined;
  readonly #reason: string | undefined;

  constructor(
    readonly problem: string,
    readonly remedy: string = "",
    details: Details = {},
  ) {
    super([details.field ? `${details.field}: ${problem}` : problem, remedy].filter(Boolean).join(" "));
    this.field = details.field ?? "";
    this.retryAfterS = details.retryAfterS;
    this.#reason = details.reason;
  }

  get reason(): string {
    return this.#reason ?? this.defaultReason;
  }
}

/** The caller sent something that can never work. */
export class InvalidInputError extends VigentError {
  readonly code = status.INVALID_ARGUMENT;
  protected readonly defaultReason = "INVALID_INPUT";
}

/** What was asked does not fit the state of this machine: a font file is damaged, a port is taken. */
export class FailedPreconditionError extends VigentError {
  readonly code = status.FAILED_PRECONDITION;
  protected readonly defaultReason = "FAILED_PRECONDITION";
}

export const PORT_TAKEN = "PORT_TAKEN";

/** What is said of a port that cannot be opened: somebody has it now, or the settings are wrong. */
export function portError(problem: string, remedy: string, field: string, taken: boolean): VigentError {
  return taken
    ? new FailedPreconditionError(problem, remedy, { field, reason: PORT_TAKEN })
    : new InvalidInputError(problem, remedy, { field });
}

/** No room now. */
export class ExhaustedError extends VigentError {
  readonly code = status.RESOURCE_EXHAUSTED;
  protected readonly defaultReason = "EXHAUSTED";
}

/** The server or its browser is starting, hung, dead or draining. */
export class UnavailableError extends VigentError {
  readonly code = status.UNAVAILABLE;
  protected readonly defaultReason = "UNAVAILABLE";
}

/** The caller's deadline passed before the work was done. */
export class DeadlineExceededError extends VigentError {
  readonly code = status.DEADLINE_EXCEEDED;
  protected readonly defaultReason = "DEADLINE_EXCEEDED";
}

/** The caller went away. */
export class CancelledError extends VigentError {
  readonly code = status.CANCELLED;
  protected readonly defaultReason = "CANCELLED";
}

/** A fault of ours; the message holds no internals, the log has them. */
export class InternalError extends VigentError {
  readonly code = status.INTERNAL;
  protected readonly defaultReason = "INTERNAL";
}
