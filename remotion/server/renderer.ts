/** Draws a request picture by picture; what a lost browser had not drawn is drawn by the next one. */

import { randomUUID } from "node:crypto";
import type { Block } from "../src/block.js";
import type { Look } from "../src/look.js";
import { type Draft, placeBlock } from "./blocks.js";
import { type Browser, BrowserLost } from "./browser.js";
import { UnavailableError } from "./errors.js";
import { plannedPictures } from "./plan.js";
import type { Progress } from "./progress.js";
import { decoded, onCanvas, type Raster, withoutMargin } from "./raster.js";
import { type PlacedBlock, recipeOf } from "./recipe.js";
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
  ) {}

  /**
   * Pictures in order of their first film frame, captions over titles over labels.
   *
   * Throws InvalidInputError (GLYPH_MISSING), or UnavailableError when browsers are lost again and again.
   */
  async *pictures(): AsyncGenerator<OverlayPicture> {
    const planned = plannedPictures(this.spec);
    this.progress.start("draw", planned.length);
    const shown = new Map<Draft, Shown>();
    for (const { draft, first, end, last } of planned) {
      const block = shown.get(draft) ?? new Shown(placeBlock(draft, this.spec.width, this.spec.height));
      shown.set(draft, block);
      const raster = await block.on(first, (look) => this.#drawn(block.placed.block, look));
      if (last) shown.delete(draft);
      const { x, y, width, height, data } = onCanvas(raster, this.spec);
      yield { firstFilmFrame: first, frames: end - first, x, y, width, height, data };
      this.progress.advance();
    }
  }

  async #drawn(block: Block, look: Look): Promise<Raster> {
    const [left, top, right, bottom] = block.extent;
    for (;;) {
      try {
        const png = await this.browser.draw({
          id: randomUUID(),
          width: right - left,
          height: bottom - top,
          block,
          look,
        });
        this.progress.touch();
        return withoutMargin(decoded(png, left, top));
      } catch (error) {
        this.#retry(error);
      }
    }
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

/** A block that is being shown, with the drawings of its latest picture: the next one is mostly made from the same. */
export class Shown {
  #drawn = new Map<string, Raster>();

  constructor(readonly placed: PlacedBlock) {}

  /** Its picture on a film frame; `draw` draws what is new in it. */
  async on(frame: number, draw: (look: Look) => Promise<Raster>): Promise<Raster> {
    const { looks, make } = recipeOf(this.placed, frame);
    const drawn = new Map<string, Raster>();
    for (const look of looks) {
      const key = JSON.stringify(look);
      drawn.set(key, this.#drawn.get(key) ?? (await draw(look)));
    }
    this.#drawn = drawn;
    return make([...drawn.values()]);
  }
}
