/**
 * How a picture is made from drawings of the browser, so that it draws as little as possible.
 *
 * Letters are lit by whole pixel columns. So each highlighted state of a block is put together, to the pixel, from two
 * drawings: nothing lit and everything lit. Fading and sliding change only opacity and place. What grows or has a pill
 * is drawn by itself.
 */

import { type Pose, RESTING } from "../src/animation.js";
import type { Block } from "../src/block.js";
import { ALL, type Columns, type Look, lookAt } from "../src/look.js";
import { roundHalfEven } from "../src/rounding.js";
import { posed, type Raster, type Rows, spliced } from "./raster.js";

/** A block with the rows of each of its lines; null where the letters of two lines share rows. */
export interface PlacedBlock {
  readonly block: Block;
  readonly bands: readonly Rows[] | null;
}

/** Drawings that are needed, and what is made of them in that order. */
export interface Recipe {
  readonly looks: readonly Look[];
  readonly make: (drawn: readonly Raster[]) => Raster;
}

/** The picture of a block on a film frame. */
export function recipeOf({ block, bands }: PlacedBlock, frame: number): Recipe {
  const look = lookAt(block, frame);
  const lit = look.lit.some((columns) => columns !== null);
  if (look.pill || look.pose.scale !== 1 || (lit && !bands)) return { looks: [look], make: first };
  const unlit: Look = { pose: RESTING, lit: look.lit.map(() => null), pill: null };
  if (!lit || !bands) return { looks: [unlit], make: (drawn) => moved(first(drawn), look.pose) };
  const parts = bands.map((rows, index) => ({ rows, columns: look.lit[index] ?? null }));
  return {
    looks: [unlit, { ...unlit, lit: look.lit.map((): Columns => ALL) }],
    make: (drawn) => moved(spliced(first(drawn), second(drawn), parts), look.pose),
  };
}

/** Rows of each line of letters, given the first and last row that each inks; null when they touch. */
export function bandsOf(inks: readonly Rows[]): Rows[] | null {
  const cuts = inks.slice(1).map(([top], index) => Math.floor((top + (inks[index]?.[1] ?? 0)) / 2));
  const apart = cuts.every((cut, index) => (inks[index]?.[1] ?? 0) < cut && cut < (inks[index + 1]?.[0] ?? 0));
  if (!apart) return null;
  return inks.map((_, index): Rows => [cuts[index - 1] ?? -Infinity, cuts[index] ?? Infinity]);
}

function moved(raster: Raster, pose: Pose): Raster {
  return posed(raster, pose.opacity, roundHalfEven(pose.belowPx));
}

function first(drawn: readonly Raster[]): Raster {
  return at(drawn, 0);
}

function second(drawn: readonly Raster[]): Raster {
  return at(drawn, 1);
}

function at(drawn: readonly Raster[], index: number): Raster {
  const raster = drawn[index];
  if (!raster) throw new Error("a drawing is missing");
  return raster;
}
