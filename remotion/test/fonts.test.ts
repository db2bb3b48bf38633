import assert from "node:assert/strict";
import { test } from "node:test";
import { settingOf, typefaceOf } from "./fixtures.js";

test("letters are outlines where their advances put them", () => {
  const typeface = typefaceOf(settingOf("subtitle", "karaoke"));
  const { path, ink } = typeface.outline("一一", 100, 0.5);
  assert.match(path, /^M/);
  const [left, top, right, bottom] = ink;
  assert.ok(left > 0 && left < 10 && right > 240 && right < 250, String(ink));
  assert.ok(top > -60 && bottom < -20, String(ink));
});
