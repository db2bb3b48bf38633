import assert from "node:assert/strict";
import { test } from "node:test";
import { extentOf } from "../src/block.js";
import { characterXEm, placeLines } from "../src/layout.js";
import type { Edges } from "../src/style.js";
import { fixture, settingOf, typefaceOf } from "./fixtures.js";

interface Layout {
  readonly kind: "subtitle" | "title";
  readonly style: string;
  readonly lines: string[];
  readonly width: number;
  readonly height: number;
  readonly font_px: number;
  readonly extent: Edges;
  readonly placed: { x: number; baseline: number; width: number; top: number; characters_em: number[] }[];
}

const NEAR_PX = 0.01;

for (const expected of fixture<Layout>("layout")) {
  test(`${expected.style} stands as in Python: ${expected.lines.join(" / ")} on ${expected.width}`, () => {
    const { width, height, lines } = expected;
    const setting = settingOf(expected.kind, expected.style, width, height);
    const { style, bounds } = setting;
    const { widthEm } = typefaceOf(setting);
    const placed = placeLines(lines, style, bounds, Math.min(width, height), widthEm);
    near(placed.fontPx, expected.font_px);
    assert.deepEqual(extentOf(placed, style), expected.extent);
    for (const [index, line] of placed.lines.entries()) {
      const { x, baseline, width: lineWidth, top, characters_em } = expected.placed[index] ?? assert.fail();
      near(line.x, x);
      near(line.baseline, baseline);
      near(line.width, lineWidth);
      near(line.top, top);
      for (const [character, em] of characters_em.entries()) {
        near(characterXEm(line.text, character, style.letter_spacing, widthEm) * placed.fontPx, em * placed.fontPx);
      }
    }
  });
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < NEAR_PX, `${actual} is not ${expected}`);
}
