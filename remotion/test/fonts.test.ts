import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { VigentError } from "../server/errors.js";
import { findFont, findUploadedFontsIn } from "../server/fonts.js";
import { ASSETS } from "../server/paths.js";
import { Typeface } from "../server/typeface.js";

const mediaRoot = mkdtempSync(join(tmpdir(), "vigent-"));
findUploadedFontsIn(mediaRoot);

/** Stores content under the hash `named`, by default its own. */
function upload(content: Buffer, named = createHash("sha256").update(content).digest("hex")): string {
  const folder = join(mediaRoot, "content", named.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, named), content);
  return named;
}

function reasonOf(behave: () => void): string {
  try {
    behave();
  } catch (error) {
    if (error instanceof VigentError) return error.reason;
    throw error;
  }
  return "";
}

const smiley = readFileSync(join(ASSETS, "fonts", "SmileySans-Oblique.ttf"));

test("fonts that are not there, not fonts or not themselves are named", () => {
  assert.equal(
    reasonOf(() => findFont("nope", 700)),
    "FONT_NOT_FOUND",
  );
  assert.equal(
    reasonOf(() => findFont("noto-sans-sc", 300)),
    "FONT_NOT_FOUND",
  );
  assert.equal(
    reasonOf(() => findFont("0".repeat(64), 400)),
    "FONT_NOT_FOUND",
  );
  assert.equal(
    reasonOf(() => findFont(upload(Buffer.from("no font")), 400)),
    "FONT_UNREADABLE",
  );
  assert.equal(
    reasonOf(() => findFont(upload(smiley, "ab".repeat(32)), 400)),
    "FONT_DAMAGED",
  );
});

test("an uploaded font is found by its content and its own weight", () => {
  const uploaded = findFont(upload(smiley), 400);
  assert.equal(uploaded.family, findFont("smiley-sans", 400).family);
  assert.equal(uploaded.widthEm("得意黑 Smiley"), findFont("smiley-sans", 400).widthEm("得意黑 Smiley"));
  assert.equal(
    reasonOf(() => findFont(upload(smiley), 700)),
    "FONT_NOT_FOUND",
  );
});

test("a character that neither font has is named, invisible ones are none", () => {
  const typeface = Typeface.find("noto-sans-sc", 700);
  assert.throws(() => typeface.require("ไ字ไ", "cues[0].lines"), /cues\[0\]\.lines: .* no glyph for ไ \(U\+0E44\)\. /);
  typeface.require("字\u200b 👩‍🚀 ❤️\u3000", "cues[0].lines");
});

test("letters are outlines where their advances put them", () => {
  const typeface = Typeface.find("noto-sans-sc", 700);
  const { path, ink } = typeface.outline("一一", 100, 0.5);
  assert.match(path, /^M/);
  const [left, top, right, bottom] = ink;
  assert.ok(left > 0 && left < 10 && right > 240 && right < 250, String(ink));
  assert.ok(top > -60 && bottom < -20, String(ink));
});
