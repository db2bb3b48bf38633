/** Numbers of the Python renderer and styles as it resolves them, written by tests/remotion/make_fixtures.py. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PACKAGE } from "../child/paths.js";
import type { OverlaySpec, Setting, SpecLine } from "../child/spec.js";
import { Typeface } from "../child/typeface.js";

interface Named extends Setting {
  readonly kind: "subtitle" | "title";
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export function fixture<T>(name: string): T[] {
  return JSON.parse(readFileSync(join(PACKAGE, "test", "fixtures", `${name}.json`), "utf8")) as T[];
}

export const FONTS = join(dirname(PACKAGE), "assets", "fonts");
const EMOJI_FONT = join(FONTS, "NotoEmoji-Bold.ttf");

const settings = fixture<Named>("settings");

/** A style where it is used on a canvas. */
export function settingOf(kind: Named["kind"], id: string, width = 1080, height = 1920): Setting {
  const found = settings.find(
    (each) => each.kind === kind && each.id === id && each.width === width && each.height === height,
  );
  assert.ok(found, id);
  return { style: found.style, bounds: found.bounds, font: join(FONTS, found.font) };
}

export function typefaceOf({ font }: Setting): Typeface {
  return Typeface.of(font, EMOJI_FONT);
}

/** A caption of 50 film frames on a canvas of 1080x1920. */
export function captionSpec(styleId: string, lines: readonly SpecLine[], frames = 50): OverlaySpec {
  const blocks = [{ setting: 0, firstFilmFrame: 0, frames: 50, lines }];
  const canvas = { width: 1080, height: 1920, frameRateHz: 25, firstFilmFrame: 0, frames };
  return { ...canvas, emojiFont: EMOJI_FONT, settings: [settingOf("subtitle", styleId)], blocks };
}
