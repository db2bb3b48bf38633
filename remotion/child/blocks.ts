/** The blocks of a request: which there are, and their letters as outlines in place. */

import { timesOf } from "../src/animation.js";
import type { Block, Line, Times, Word } from "../src/block.js";
import { extentOf } from "../src/block.js";
import { characterXEm, type PlacedLine, type PlacedLines, placeLines } from "../src/layout.js";
import { roundHalfEven } from "../src/rounding.js";
import type { Edges, Style } from "../src/style.js";
import { withAlpha } from "../src/style.js";
import { bandsOf, type PlacedBlock } from "./recipe.js";
import type { OverlaySpec, Setting, SpecLine, SpecWord } from "./spec.js";
import { type Ink, Typeface } from "./typeface.js";

/** A block before its letters are placed. */
export interface Draft {
  readonly setting: Setting;
  readonly lines: readonly SpecLine[];
  readonly times: Times;
}

/** The blocks of a request in order: later ones lie above. */
export function drafts({ blocks, settings, frameRateHz }: OverlaySpec): Draft[] {
  return blocks.map(({ setting: index, firstFilmFrame, frames, lines }) => {
    const setting = settings[index];
    if (!setting) throw new Error(`there is no setting ${index}`);
    return { setting, lines, times: timesOf(setting.style, firstFilmFrame, frames, frameRateHz) };
  });
}

/** Places the letters of a block. */
export function placeBlock({ setting, lines, times }: Draft, spec: OverlaySpec): PlacedBlock {
  const { style, bounds, font } = setting;
  const typeface = Typeface.of(font, spec.emojiFont);
  const texts = lines.map((line) => line.text);
  const placed = placeLines(texts, style, bounds, Math.min(spec.width, spec.height), typeface.widthEm);
  const drawn = placed.lines.map((line, index) => drawnLine(line, lines[index]?.words ?? [], placed, style, typeface));
  const block: Block = {
    style,
    fontPx: placed.fontPx,
    lines: drawn.map(({ line }) => line),
    times,
    extent: extentOf(placed, style),
    middle: middleOf(drawn, placed.fontPx, style),
  };
  return { block, bands: bandsOf(drawn.map(({ ink }) => [Math.floor(ink[1]), Math.ceil(ink[3])])) };
}

interface Drawn {
  readonly line: Line;
  readonly ink: Edges;
}

function drawnLine(
  placed: PlacedLine,
  spoken: readonly SpecWord[],
  { fontPx }: PlacedLines,
  style: Style,
  typeface: Typeface,
): Drawn {
  const { path, ink } = typeface.outline(placed.text, fontPx, style.letter_spacing);
  const [x, baseline] = [roundHalfEven(placed.x), roundHalfEven(placed.baseline)];
  const words = spoken.map((word): Word => {
    const inside = word.charEnd < Array.from(placed.text).length;
    const left = characterXEm(placed.text, word.charStart, style.letter_spacing, typeface.widthEm);
    const right = characterXEm(placed.text, word.charEnd, style.letter_spacing, typeface.widthEm);
    return {
      left: x + left * fontPx,
      right: x + (right - (inside ? style.letter_spacing : 0)) * fontPx,
      firstFilmFrame: word.firstFilmFrame,
    };
  });
  const edges: Edges = [placed.x, placed.top, placed.x + placed.width, placed.top + fontPx];
  const line = { outline: path, x, baseline, edges, words };
  return { line, ink: path === "" ? edges : moved(ink, x, baseline) };
}

/** Middle of what is drawn: of the boxes, or of the letters with outline and visible shadow. */
function middleOf(drawn: readonly Drawn[], fontPx: number, style: Style): [number, number] {
  const { box, outline, shadow } = style;
  const boxes = drawn.map(({ line: { edges } }) => grown(edges, box.padding_x * fontPx, box.padding_y * fontPx));
  const letters = drawn.map(({ ink }) => grown(ink, outline.width * fontPx, outline.width * fontPx));
  const reach = VISIBLE_BLURS * shadow.blur * fontPx;
  const shadows = letters.map((ink) => moved(grown(ink, reach, reach), shadow.x * fontPx, shadow.y * fontPx));
  const all = [
    ...letters,
    ...(box.mode === "none" ? [] : boxes),
    ...(withAlpha(shadow.color).alpha > 0 ? shadows : []),
  ];
  const left = Math.min(...all.map((each) => each[0]));
  const top = Math.min(...all.map((each) => each[1]));
  const right = Math.max(...all.map((each) => each[2]));
  const bottom = Math.max(...all.map((each) => each[3]));
  return [(left + right) / 2, (top + bottom) / 2];
}

/** Standard deviations after which a blurred shadow has faded below one level of 255. */
const VISIBLE_BLURS = 2.5;

function moved([left, top, right, bottom]: Edges | Ink, x: number, y: number): Edges {
  return [left + x, top + y, right + x, bottom + y];
}

function grown([left, top, right, bottom]: Edges, x: number, y: number): Edges {
  return [left - x, top - y, right + x, bottom + y];
}
