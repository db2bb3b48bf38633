/**
 * Font files shaped by HarfBuzz as Pillow shapes them.
 *
 * Letters reach the browser as outlines, so it has no font to miss and none to fall back to.
 */

import { readFileSync } from "node:fs";
import { Blob, Direction, Face, Font, Buffer as Shaping, shape } from "harfbuzzjs";

/** A glyph: its number, and where its origin lies on the line, in em. */
export interface Glyph {
  readonly number: number;
  readonly x: number;
  readonly y: number;
}

const MOST_WIDTHS = 4096;

const opened = new Map<string, FontFile>();

/** A font file in memory. */
export class FontFile {
  readonly #font: Font;
  readonly #em: number;
  readonly #widths = new Map<string, number>();

  private constructor(content: Uint8Array) {
    const face = new Face(new Blob(content));
    this.#font = new Font(face);
    this.#em = face.upem;
  }

  /** Reads it once; what lies under a path never changes. */
  static at(path: string): FontFile {
    const font = opened.get(path) ?? new FontFile(readFileSync(path));
    opened.set(path, font);
    return font;
  }

  /** Advance width of a text in em, kerning included. */
  widthEm(text: string): number {
    const known = this.#widths.get(text);
    if (known !== undefined) return known;
    const width =
      this.#shaped(text)
        .getGlyphPositions()
        .reduce((sum, glyph) => sum + glyph.xAdvance, 0) / this.#em;
    if (this.#widths.size >= MOST_WIDTHS) this.#widths.clear();
    this.#widths.set(text, width);
    return width;
  }

  /** The glyphs of a text, left to right. */
  glyphs(text: string): Glyph[] {
    const shaped = this.#shaped(text);
    const [infos, positions] = [shaped.getGlyphInfos(), shaped.getGlyphPositions()];
    let advanced = 0;
    return positions.map(({ xAdvance, xOffset, yOffset }, index) => {
      const x = (advanced + xOffset) / this.#em;
      advanced += xAdvance;
      return { number: infos[index]?.codepoint ?? 0, x, y: yOffset / this.#em };
    });
  }

  /** SVG path commands of a glyph in em, y upwards: pairs of a letter and its numbers. */
  outline(glyph: number): [string, number[]][] {
    return this.#font.glyphToJson(glyph).map(({ type, values }) => [type, values.map((value) => value / this.#em)]);
  }

  #shaped(text: string): Shaping {
    const buffer = new Shaping();
    buffer.addText(text);
    buffer.guessSegmentProperties();
    buffer.setDirection(Direction.LTR);
    shape(this.#font, buffer);
    return buffer;
  }
}
