/** A text font with the emoji font for emoji, as in services/typography/fonts.py: measured, and drawn as outlines. */

import { characterXEm } from "../src/layout.js";
import { EMOJI } from "./emoji.js";
import { FontFile } from "./fonts.js";

/** Makes an emoji as wide as a Han character. */
const EMOJI_SCALE = 0.8;

/** A stretch of text drawn with one font, at `scale` times the size of the line. */
interface Run {
  readonly text: string;
  readonly font: FontFile;
  readonly scale: number;
}

/** Left, lowest, right and highest point of outlines in pixels from the line's origin, y downwards. */
export type Ink = [left: number, top: number, right: number, bottom: number];

export class Typeface {
  constructor(
    private readonly font: FontFile,
    private readonly emoji: FontFile,
  ) {}

  /** That of two font files. */
  static of(font: string, emojiFont: string): Typeface {
    return new Typeface(FontFile.at(font), FontFile.at(emojiFont));
  }

  /** Advance width of a line in em, kerning included, letter spacing not. */
  readonly widthEm = (text: string): number =>
    this.#runs(text).reduce((sum, run) => sum + run.scale * run.font.widthEm(run.text), 0);

  /** SVG path data of a line in pixels from its left edge and baseline, and how far it reaches. */
  outline(text: string, fontPx: number, spacingEm: number): { path: string; ink: Ink } {
    const path: string[] = [];
    const ink: Ink = [Infinity, Infinity, -Infinity, -Infinity];
    let position = 0;
    for (const run of this.#runs(text)) {
      const single = spacingEm !== 0 && run.font === this.font;
      for (const piece of single ? Array.from(run.text) : [run.text]) {
        const x = characterXEm(text, position, spacingEm, this.widthEm) * fontPx;
        path.push(pieceOutline(run.font, piece, run.scale * fontPx, x, ink));
        position += Array.from(piece).length;
      }
    }
    return { path: path.join(""), ink };
  }

  #runs(text: string): Run[] {
    const runs: Run[] = [];
    let position = 0;
    for (const match of text.matchAll(EMOJI)) {
      if (match.index > position) runs.push({ text: text.slice(position, match.index), font: this.font, scale: 1 });
      runs.push({ text: match[0], font: this.emoji, scale: EMOJI_SCALE });
      position = match.index + match[0].length;
    }
    if (position < text.length) runs.push({ text: text.slice(position), font: this.font, scale: 1 });
    return runs;
  }
}

function pieceOutline(font: FontFile, text: string, sizePx: number, left: number, ink: Ink): string {
  return font
    .glyphs(text)
    .map((glyph) =>
      font
        .outline(glyph.number)
        .map(([command, values]) => command + pixels(values, sizePx, left + glyph.x * sizePx, -glyph.y * sizePx, ink))
        .join(""),
    )
    .join("");
}

function pixels(em: readonly number[], sizePx: number, left: number, top: number, ink: Ink): string {
  const placed = em.map((value, index) => (index % 2 === 0 ? left + value * sizePx : top - value * sizePx));
  placed.forEach((value, index) => {
    const axis = index % 2;
    ink[axis] = Math.min(ink[axis] ?? value, value);
    ink[axis + 2] = Math.max(ink[axis + 2] ?? value, value);
  });
  return placed.map((value) => Number(value.toFixed(2))).join(" ");
}
