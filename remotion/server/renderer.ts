/** Draws a request: portion by portion, sheet by sheet; what a lost browser had not drawn is drawn by the next one. */

import { type Browser, BrowserLost } from "./browser.js";
import { UnavailableError } from "./errors.js";
import { FrameQueue } from "./frames.js";
import { countPictures, type NumberedSheet, type PlannedDrawing, type Portion, portions, sheets } from "./plan.js";
import type { Progress } from "./progress.js";
import { decoded, onCanvas, type Raster, withoutMargin } from "./raster.js";
import type { OverlayPicture, OverlaySpec } from "./spec.js";

const MOST_RETRIES = 1;
const RETRY_AFTER_S = 1;

/** One rendering. `retries` counts the browsers that were lost during it. */
export class Rendering {
  retries = 0;

  constructor(
    private readonly spec: OverlaySpec,
    private readonly browser: Browser,
    readonly progress: Progress,
    private readonly stop: AbortSignal,
  ) {}

  /**
   * Pictures in order of their first film frame, captions over titles over labels.
   *
   * Throws InvalidInputError (GLYPH_MISSING), or UnavailableError when browsers are lost again and again.
   */
  async *pictures(): AsyncGenerator<OverlayPicture> {
    this.progress.start("draw", countPictures(this.spec));
    for (const portion of portions(this.spec)) yield* this.#portion(portion);
  }

  async *#portion({ pictures, drawings }: Portion): AsyncGenerator<OverlayPicture> {
    const source = this.#drawn(drawings);
    const rasters = new Map<number, Raster>();
    const lastUses = new Map(pictures.flatMap((picture) => picture.drawings.map((drawing) => [drawing, picture])));
    let arrived = 0;
    try {
      for (const picture of pictures) {
        for (; arrived <= Math.max(...picture.drawings); arrived++) {
          const next = await source.next();
          if (!next.done) rasters.set(arrived, next.value);
        }
        const drawn = picture.drawings.flatMap((index) => rasters.get(index) ?? []);
        const { x, y, width, height, data } = onCanvas(picture.recipe.make(drawn), this.spec);
        yield { firstFilmFrame: picture.first, frames: picture.frames, x, y, width, height, data };
        this.progress.advance();
        for (const index of picture.drawings) if (lastUses.get(index) === picture) rasters.delete(index);
      }
    } finally {
      await source.return(undefined);
    }
  }

  /** The drawings of a portion in order. */
  async *#drawn(drawings: readonly PlannedDrawing[]): AsyncGenerator<Raster> {
    for (const numbered of sheets(drawings)) {
      let index = numbered.first;
      for await (const png of this.#frames(numbered)) {
        const [left, top] = drawings[index]?.placed.block.extent ?? [0, 0];
        index += 1;
        yield withoutMargin(decoded(png, left, top));
      }
    }
  }

  async *#frames({ sheet }: NumberedSheet): AsyncGenerator<Buffer> {
    for (let done = 0; done < sheet.drawings.length; ) {
      const queue = new FrameQueue(done, (is) => this.#wait(is));
      const over = new AbortController();
      const stop = AbortSignal.any([this.stop, over.signal]);
      const onFrame = async (index: number, png: Buffer): Promise<void> => {
        this.progress.touch();
        await queue.put(index, png);
      };
      const running = this.browser.render({ sheet, from: done, onFrame, stop }).then(
        () => queue.end(null),
        (error: unknown) => queue.end(error),
      );
      try {
        for await (const png of queue.read()) {
          done += 1;
          yield png;
        }
      } catch (error) {
        this.#retry(error);
      } finally {
        queue.end(null);
        over.abort();
        await running;
      }
    }
  }

  #wait(is: boolean): void {
    if (this.progress.waiting !== is) this.progress.touch();
    this.progress.waiting = is;
  }

  #retry(error: unknown): void {
    if (!(error instanceof BrowserLost)) throw error;
    this.retries += 1;
    this.progress.touch();
    if (this.retries <= MOST_RETRIES) return;
    throw new UnavailableError(
      "The browser died again and again during the call.",
      "Try again, perhaps on another replica.",
      {
        retryAfterS: RETRY_AFTER_S,
      },
    );
  }
}
