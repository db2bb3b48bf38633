/** Deadlines. */

import { setTimeout } from "node:timers/promises";

/** What `promise` gives; throws `late` when it has not after `seconds`. */
export async function within<T>(seconds: number, promise: Promise<T>, late: Error): Promise<T> {
  const settled = new AbortController();
  const timer = setTimeout(seconds * 1000, undefined, { signal: settled.signal, ref: false });
  try {
    return await Promise.race([promise, timer.then(() => Promise.reject(late))]);
  } finally {
    settled.abort();
  }
}
