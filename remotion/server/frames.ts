/** Frames on their way from several pages of the browser to one reader: in order, few at once. */

import { EventEmitter, once } from "node:events";

/** Frames that may be ahead of the reader; a page that is further ahead waits. */
const WINDOW = 8;
const CHANGED = "changed";

export class FrameQueue {
  readonly #arrived = new Map<number, Buffer>();
  #next: number;
  readonly #events = new EventEmitter();
  #ended: { readonly error: unknown } | null = null;

  /** `waiting(true)` is told when pages wait for the reader. */
  constructor(
    first: number,
    private readonly waiting: (is: boolean) => void,
  ) {
    this.#next = first;
  }

  /** Takes a frame; returns when there is room for the next. */
  async put(index: number, frame: Buffer): Promise<void> {
    this.#arrived.set(index, frame);
    this.#wake();
    while (index >= this.#next + WINDOW && !this.#ended) {
      this.waiting(true);
      await once(this.#events, CHANGED);
    }
    this.waiting(false);
  }

  /** Ends the reading: after the frames that came in order, `error` is thrown, or nothing when it is null. */
  end(error: unknown): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *read(): AsyncGenerator<Buffer> {
    for (;;) {
      const frame = this.#arrived.get(this.#next);
      if (frame) {
        this.#arrived.delete(this.#next);
        this.#next += 1;
        this.#wake();
        yield frame;
      } else if (this.#ended) {
        if (this.#ended.error !== null) throw this.#ended.error;
        return;
      } else {
        await once(this.#events, CHANGED);
      }
    }
  }

  #wake(): void {
    this.#events.emit(CHANGED);
  }
}
