// What would make others wait if all of it were asked for at once.

let last: Promise<unknown> = Promise.resolve();

/** Does `work` once all that was given before has ended, however it ended. */
export function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = last.then(work);
  last = mine.catch(() => undefined);
  return mine;
}
