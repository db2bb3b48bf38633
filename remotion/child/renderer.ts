/** Draws a request picture by picture. */

import { randomUUID } from "node:crypto";
import type { Block } from "../src/block.js";
import type { Look } from "../src/look.js";
import { type Draft, placeBlock } from "./blocks.js";
import type { Page } from "./page.js";
import { type PlannedPicture, plannedPictures } from "./plan.js";
import { decoded, onCanvas, type Raster, withoutMargin } from "./raster.js";
import { type PlacedBlock, recipeOf } from "./recipe.js";
import type { OverlayPicture, OverlaySpec } from "./spec.js";

/** One rendering, always one picture ahead of who asks for them. */
export class Rendering {
  readonly #planned: readonly PlannedPicture[];
  readonly #pictures: AsyncGenerator<OverlayPicture, undefined>;
  #ahead: Promise<IteratorResult<OverlayPicture, undefined>>;

  constructor(
    private readonly spec: OverlaySpec,
    private readonly page: Page,
  ) {
    this.#planned = plannedPictures(spec);
    this.#pictures = this.#drawAll();
    this.#ahead = this.#next();
  }

  /** How many pictures there are. */
  get count(): number {
    return this.#planned.length;
  }

  /** The next in order of their first film frame; undefined after the last. Throws PageError or PageLost. */
  async next(): Promise<OverlayPicture | undefined> {
    const { value } = await this.#ahead;
    this.#ahead = this.#next();
    return value;
  }

  #next(): Promise<IteratorResult<OverlayPicture, undefined>> {
    const next = this.#pictures.next();
    next.catch(() => undefined); // told to who asks for it, if anybody does
    return next;
  }

  async *#drawAll(): AsyncGenerator<OverlayPicture, undefined> {
    const shown = new Map<Draft, Shown>();
    for (const { draft, first, end, last } of this.#planned) {
      const block = shown.get(draft) ?? new Shown(placeBlock(draft, this.spec));
      shown.set(draft, block);
      const raster = await block.on(first, (look) => this.#drawn(block.placed.block, look));
      if (last) shown.delete(draft);
      const { x, y, width, height, data } = onCanvas(raster, this.spec);
      yield { firstFilmFrame: first, frames: end - first, x, y, width, height, data };
    }
    return undefined;
  }

  async #drawn(block: Block, look: Look): Promise<Raster> {
    const [left, top, right, bottom] = block.extent;
    const [width, height] = [right - left, bottom - top];
    const png = await this.page.draw({ id: randomUUID(), width, height, block, look });
    return withoutMargin(decoded(png, left, top));
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
