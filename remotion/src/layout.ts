/** Where lines of text stand on a canvas: the arithmetic of services/typography/typeset.py. */

import { displayed, type Edges, type Style } from "./style.js";

/** Height of the em box of East Asian fonts above the baseline; the box stands in the middle of the line. */
export const EM_ASCENT = 0.88;

/** Measures text in em, kerning included, letter spacing not. */
export type WidthEm = (text: string) => number;

/** A line as drawn: `text` with the style's capitals; left edge, baseline, width and top of the em box in pixels. */
export interface PlacedLine {
  readonly text: string;
  readonly x: number;
  readonly baseline: number;
  readonly width: number;
  readonly top: number;
}

/** Lines on a canvas with the font size that lets them fit, in pixels an em. */
export interface PlacedLines {
  readonly lines: readonly PlacedLine[];
  readonly fontPx: number;
}

/** Places lines within `bounds` by the style's alignment; a block too large for them is drawn smaller. */
export function placeLines(
  lines: readonly string[],
  style: Style,
  bounds: Edges,
  shortSidePx: number,
  widthEm: WidthEm,
): PlacedLines {
  const [left, top, right, bottom] = bounds;
  const [padX, padY] = paddingEm(style);
  const fullPx = style.size * shortSidePx;
  const widths = lines.map((line) => lineWidthPx(line, style, widthEm, fullPx));
  const blockWidth = Math.max(...widths) + 2 * padX * fullPx;
  const blockHeight = ((lines.length - 1) * style.line_height + 1 + 2 * padY) * fullPx;
  const scale = Math.min(1, (right - left) / blockWidth, (bottom - top) / blockHeight);
  const fontPx = fullPx * scale;
  const free = bottom - top - blockHeight * scale;
  const firstTop = top + padY * fontPx + { top: 0, middle: free / 2, bottom: free }[style.position.vertical];
  const placed = lines.map((line, index) => {
    const width = scale * (widths[index] ?? 0);
    const room = right - left - 2 * padX * fontPx - width;
    const x = left + padX * fontPx + { left: 0, center: room / 2, right: room }[style.alignment];
    const lineTop = firstTop + index * style.line_height * fontPx;
    return { text: displayed(line, style), x, baseline: lineTop + EM_ASCENT * fontPx, width, top: lineTop };
  });
  return { lines: placed, fontPx };
}

/** Left, top, right and bottom edge of the em boxes of the text in pixels. */
export function textEdges({ lines, fontPx }: PlacedLines): Edges {
  const left = Math.min(...lines.map((line) => line.x));
  const right = Math.max(...lines.map((line) => line.x + line.width));
  return [left, lines[0]?.top ?? 0, right, (lines.at(-1)?.top ?? 0) + fontPx];
}

/** Left edge of character `index` of a line in em; of the line's end when `index` is its length. */
export function characterXEm(text: string, index: number, spacingEm: number, widthEm: WidthEm): number {
  const characters = Array.from(text);
  const spaces = index < characters.length ? index : Math.max(0, index - 1);
  return widthEm(characters.slice(0, index).join("")) + spacingEm * spaces;
}

function lineWidthPx(text: string, style: Style, widthEm: WidthEm, fontPx: number): number {
  const shown = displayed(text, style);
  return (widthEm(shown) + style.letter_spacing * Math.max(0, Array.from(shown).length - 1)) * fontPx;
}

/** What is drawn left and right of a line, and above and below it: its box or its outline, in em. */
function paddingEm(style: Style): [number, number] {
  if (style.box.mode !== "none") return [style.box.padding_x, style.box.padding_y];
  return [style.outline.width, style.outline.width];
}
