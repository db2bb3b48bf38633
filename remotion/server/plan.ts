/** Which pictures a request has, and which drawings they need, in portions that bound memory. */

import type { Look } from "../src/look.js";
import type { Drawing, Sheet } from "../src/Overlay.js";
import { states } from "../src/states.js";
import { type Draft, drafts, placeBlock } from "./blocks.js";
import { type PlacedBlock, type Recipe, recipeOf } from "./recipe.js";
import type { OverlaySpec } from "./spec.js";

/** A picture on film frames [first, first + frames). */
export interface PlannedPicture {
  readonly first: number;
  readonly frames: number;
  readonly recipe: Recipe;
  /** Indices of its drawings in the portion, in the order of the recipe. */
  readonly drawings: readonly number[];
}

/** Consecutive pictures and all drawings that they need, in order of first need. */
export interface Portion {
  readonly pictures: PlannedPicture[];
  readonly drawings: PlannedDrawing[];
}

export interface PlannedDrawing {
  readonly placed: PlacedBlock;
  readonly look: Look;
}

const MOST_DRAWINGS = 240;

/** What a page costs to open, in pixels of drawings. */
const PAGE_PX = 8_000_000;

/** Pictures in order of their first film frame, captions over titles over labels; blocks are placed when they come up. */
export function* portions(spec: OverlaySpec): Generator<Portion> {
  let portion = new Building();
  const placed = new Map<Draft, PlacedBlock>();
  for (const { draft, first, end, last } of ordered(spec)) {
    const block = placed.get(draft) ?? placeBlock(draft, spec.width, spec.height);
    placed.set(draft, block);
    if (last) placed.delete(draft);
    portion.add(block, first, end);
    if (portion.drawings.length >= MOST_DRAWINGS) {
      yield portion;
      portion = new Building();
    }
  }
  if (portion.pictures.length > 0) yield portion;
}

/** Number of pictures of a request. */
export function countPictures(spec: OverlaySpec): number {
  return ordered(spec).length;
}

class Building implements Portion {
  readonly pictures: PlannedPicture[] = [];
  readonly drawings: PlannedDrawing[] = [];
  readonly #known = new Map<PlacedBlock, Map<string, number>>();

  add(placed: PlacedBlock, first: number, end: number): void {
    const recipe = recipeOf(placed, first);
    const drawings = recipe.looks.map((look) => this.#drawing(placed, look));
    this.pictures.push({ first, frames: end - first, recipe, drawings });
  }

  #drawing(placed: PlacedBlock, look: Look): number {
    const known = this.#known.get(placed) ?? new Map<string, number>();
    this.#known.set(placed, known);
    const key = JSON.stringify(look);
    const index = known.get(key) ?? this.drawings.push({ placed, look }) - 1;
    known.set(key, index);
    return index;
  }
}

interface Ordered {
  readonly draft: Draft;
  readonly first: number;
  readonly end: number;
  /** Whether it is the last picture of its block. */
  readonly last: boolean;
}

function ordered(spec: OverlaySpec): Ordered[] {
  const stop = spec.firstFilmFrame + spec.frames;
  return drafts(spec)
    .flatMap((draft) => {
      const words = draft.lines.flatMap((line) => line.words.map((word) => word.firstFilmFrame));
      const spans = states(draft.style, draft.times, words, spec.firstFilmFrame, stop);
      return spans.map((span, index): Ordered => ({ draft, ...span, last: index === spans.length - 1 }));
    })
    .sort((a, b) => a.first - b.first || a.draft.layer - b.draft.layer);
}

/** A sheet and the index of its first drawing in the portion. */
export interface NumberedSheet {
  readonly first: number;
  readonly sheet: Sheet;
}

/** Cuts drawings into sheets where smaller ones save more than a page costs. */
export function sheets(drawings: readonly PlannedDrawing[]): NumberedSheet[] {
  return cuts(drawings.map(({ placed }) => sizeOf(placed))).map(([from, to]) => ({
    first: from,
    sheet: sheetOf(drawings.slice(from, to)),
  }));
}

type Size = readonly [width: number, height: number];

function sizeOf({ block: { extent } }: PlacedBlock): Size {
  return [extent[2] - extent[0], extent[3] - extent[1]];
}

/** Ranges [from, to) with the least cost: a page each, and the area of the largest for each drawing. */
export function cuts(sizes: readonly Size[]): [number, number][] {
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let to = 1; to <= sizes.length; to++) {
    let [width, height, least] = [0, 0, { cost: Infinity, from: 0 }];
    for (let from = to - 1; from >= 0; from--) {
      const [w, h] = sizes[from] ?? [0, 0];
      [width, height] = [Math.max(width, w), Math.max(height, h)];
      const cost = (best[from]?.cost ?? 0) + PAGE_PX + (to - from) * width * height;
      if (cost < least.cost) least = { cost, from };
    }
    best.push(least);
  }
  const ranges: [number, number][] = [];
  for (let to = sizes.length; to > 0; to = best[to]?.from ?? 0) ranges.unshift([best[to]?.from ?? 0, to]);
  return ranges;
}

function sheetOf(drawings: readonly PlannedDrawing[]): Sheet {
  const blocks = [...new Set(drawings.map(({ placed }) => placed.block))];
  const sizes = drawings.map(({ placed }) => sizeOf(placed));
  return {
    width: Math.max(...sizes.map(([width]) => width)),
    height: Math.max(...sizes.map(([, height]) => height)),
    blocks,
    drawings: drawings.map(({ placed, look }): Drawing => ({ block: blocks.indexOf(placed.block), look })),
  };
}
