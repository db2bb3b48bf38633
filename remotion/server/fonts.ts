/**
 * The fonts of assets/fonts: found by id and weight, verified by content hash, shaped by HarfBuzz as Pillow shapes them.
 *
 * Letters reach the browser as outlines, so it has no font to miss and none to fall back to.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Blob, Direction, Face, Font, Buffer as Shaping, shape } from "harfbuzzjs";
import { FailedPreconditionError, InvalidInputError } from "./errors.js";
import { ASSETS } from "./paths.js";

/** An entry of fonts.json. `family` is the name that people know; `sha256` names the content. */
export interface FontEntry {
  readonly id: string;
  readonly family: string;
  readonly weight: number;
  readonly file: string;
  readonly sha256: string;
}

/** A glyph: its number, and where its origin lies on the line, in em. */
export interface Glyph {
  readonly number: number;
  readonly x: number;
  readonly y: number;
}

/** A font file in memory. `family` is the name that people know. */
export class FontFile {
  readonly family: string;
  readonly weight: number;
  readonly #font: Font;
  readonly #em: number;
  readonly #codepoints: ReadonlySet<number>;
  readonly #widths = new Map<string, number>();

  constructor(family: string | undefined, content: Uint8Array) {
    const face = new Face(new Blob(content));
    this.#font = new Font(face);
    this.#em = face.upem;
    this.#codepoints = new Set(face.collectUnicodes());
    this.family = family ?? (face.getName(FAMILY_NAME, "en") || "Unnamed");
    this.weight = weightOf(face.referenceTable("OS/2"));
  }

  /** HarfBuzz reads anything; what has no characters is no font. */
  get isFont(): boolean {
    return this.#codepoints.size > 0 && this.weight > 0;
  }

  /** Whether a character has a glyph. */
  has(character: string): boolean {
    return this.#codepoints.has(character.codePointAt(0) ?? 0);
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

const MOST_WIDTHS = 4096;
/** Name id 1 of the OpenType name table. */
const FAMILY_NAME = 1;

/** usWeightClass, the third 16-bit number of the OS/2 table. */
function weightOf(table: Uint8Array | undefined): number {
  return table && table.length >= 6 ? ((table[4] ?? 0) << 8) | (table[5] ?? 0) : 0;
}

const opened = new Map<string, FontFile>();
const uploads = { mediaRoot: "" };

/** Lets this process find fonts by their content hash in the media store below `mediaRoot`. */
export function findUploadedFontsIn(mediaRoot: string): void {
  uploads.mediaRoot = mediaRoot;
}

/**
 * The font file of that id (of an uploaded font: its content hash) and weight, its content verified.
 *
 * Throws InvalidInputError (FONT_NOT_FOUND, FONT_UNREADABLE) for the field "font", FailedPreconditionError (FONT_DAMAGED)
 * when the file is missing or is not the one that its hash names.
 */
export function findFont(id: string, weight: number): FontFile {
  return /^[0-9a-f]{64}$/.test(id) ? uploadedFont(id, weight) : bundledFont(id, weight);
}

function bundledFont(id: string, weight: number): FontFile {
  const entry = fontEntries().find((each) => each.id === id && each.weight === weight);
  if (entry) return open(entry.sha256, () => new FontFile(entry.family, verified(bundledPath(entry), entry.sha256)));
  const known = fontEntries().filter((each) => each.id !== "noto-emoji");
  const remedy = `Use one of: ${known.map((each) => `${each.id} ${each.weight}`).join(", ")}.`;
  throw notFound(`There is no font '${id}' of weight ${weight}.`, remedy);
}

/** Looked up each time, because uploads can be deleted. */
function uploadedFont(sha256: string, weight: number): FontFile {
  const path = join(uploads.mediaRoot, "content", sha256.slice(0, 2), sha256);
  if (!existsSync(path)) throw notFound(`There is no uploaded font ${sha256}.`, "Upload it again.");
  const font = open(sha256, () => readable(sha256, verified(path, sha256)));
  if (font.weight === weight) return font;
  const problem = `The uploaded font ${font.family} has the weight ${font.weight}, not ${weight}.`;
  throw notFound(problem, `Ask for the weight ${font.weight}.`);
}

function open(sha256: string, read: () => FontFile): FontFile {
  const font = opened.get(sha256) ?? read();
  opened.set(sha256, font);
  return font;
}

function readable(sha256: string, content: Buffer): FontFile {
  const font = new FontFile(undefined, content);
  if (font.isFont) return font;
  const details = { field: "font", reason: "FONT_UNREADABLE" };
  throw new InvalidInputError(`The file ${sha256} cannot be read as a font.`, "Upload a TTF or OTF font.", details);
}

function notFound(problem: string, remedy: string): InvalidInputError {
  return new InvalidInputError(problem, remedy, { field: "font", reason: "FONT_NOT_FOUND" });
}

let entries: readonly FontEntry[] | undefined;

function fontEntries(): readonly FontEntry[] {
  entries ??= (JSON.parse(readFileSync(join(ASSETS, "fonts", "fonts.json"), "utf8")) as { fonts: FontEntry[] }).fonts;
  return entries;
}

function bundledPath(entry: FontEntry): string {
  return join(ASSETS, "fonts", entry.file);
}

function verified(path: string, sha256: string): Buffer {
  if (!existsSync(path)) throw damaged(`The font file ${basename(path)} is missing.`);
  const content = readFileSync(path);
  if (createHash("sha256").update(content).digest("hex") === sha256) return content;
  throw damaged(`The font file ${basename(path)} is not the one that its hash names.`);
}

function damaged(problem: string): FailedPreconditionError {
  const remedy = "Install the project's assets again, or upload the font again.";
  return new FailedPreconditionError(problem, remedy, { field: "font", reason: "FONT_DAMAGED" });
}
