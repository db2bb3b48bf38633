/** A block of lines that is ready to be drawn: outlines and pixels, no fonts. */

import { type PlacedLines, textEdges } from "./layout.js";
import { roundHalfEven } from "./rounding.js";
import type { Edges, Style } from "./style.js";

/** A word of a line: the columns it covers, and the film frame from which it is lit. */
export interface Word {
  readonly left: number;
  readonly right: number;
  readonly firstFilmFrame: number;
}

/** A line of a block. `outline` is SVG path data of all its letters in pixels from (`x`, `baseline`). */
export interface Line {
  readonly outline: string;
  readonly x: number;
  readonly baseline: number;
  readonly edges: Edges;
  readonly words: readonly Word[];
}

/** Film frames of a block: it comes until `entered`, rests, and goes from `leaving` on. */
export interface Times {
  readonly first: number;
  readonly entered: number;
  readonly leaving: number;
  readonly end: number;
}

/**
 * Lines in a style, placed on a canvas. `extent` is whole pixels in which everything lies, `middle` the point about which
 * the block grows.
 */
export interface Block {
  readonly style: Style;
  readonly fontPx: number;
  readonly lines: readonly Line[];
  readonly times: Times;
  readonly extent: Edges;
  readonly middle: readonly [x: number, y: number];
}

/** Whole pixels in which everything lies, as BlockPainter has them. */
export function extentOf(placed: PlacedLines, style: Style): Edges {
  const { outline, shadow, box, highlight } = style;
  const reach = Math.max(
    outline.width + Math.max(Math.abs(shadow.x), Math.abs(shadow.y)) + 3 * shadow.blur,
    box.padding_x,
    box.padding_y,
    highlight.padding_x,
    highlight.padding_y,
  );
  const margin = (reach + 0.45) * placed.fontPx + 2;
  const [left, top, right, bottom] = textEdges(placed);
  return [Math.floor(left - margin), Math.floor(top - margin), Math.ceil(right + margin), Math.ceil(bottom + margin)];
}

/** The boxes behind the lines, in pixels of the canvas. */
export function boxEdges(block: Block): Edges[] {
  const { mode, padding_x, padding_y } = block.style.box;
  if (mode === "none") return [];
  const lines = block.lines.map((line) => line.edges);
  const boxes = mode === "block" ? [together(lines)] : lines;
  return boxes.map((edges) => grown(edges, padding_x * block.fontPx, padding_y * block.fontPx));
}

/** The pill behind a word. */
export function pillEdges(block: Block, line: Line, word: Word): Edges {
  const { padding_x, padding_y } = block.style.highlight;
  const [, top, , bottom] = line.edges;
  return grown([word.left, top, word.right, bottom], padding_x * block.fontPx, padding_y * block.fontPx);
}

/** Shift of the shadow in whole pixels. */
export function shadowShift(block: Block): [number, number] {
  const { x, y } = block.style.shadow;
  return [roundHalfEven(x * block.fontPx), roundHalfEven(y * block.fontPx)];
}

function together(edges: readonly Edges[]): Edges {
  return [
    Math.min(...edges.map((each) => each[0])),
    Math.min(...edges.map((each) => each[1])),
    Math.max(...edges.map((each) => each[2])),
    Math.max(...edges.map((each) => each[3])),
  ];
}

function grown([left, top, right, bottom]: Edges, x: number, y: number): Edges {
  return [left - x, top - y, right + x, bottom + y];
}
