import assert from "node:assert/strict";
import { test } from "node:test";
import { PNG } from "pngjs";
import { drafts, placeBlock } from "../server/blocks.js";
import { cuts, portions, sheets } from "../server/plan.js";
import { decoded, onCanvas, posed, type Raster, spliced, withoutMargin } from "../server/raster.js";
import { bandsOf, recipeOf } from "../server/recipe.js";
import type { OverlaySpec } from "../server/spec.js";
import { loadStyle } from "../server/styles.js";

function raster(x: number, y: number, rows: string[]): Raster {
  const alphas = rows.flatMap((row) => Array.from(row, (digit) => [1, 2, 3, Number(digit)]));
  return { x, y, width: rows[0]?.length ?? 0, height: rows.length, data: Buffer.from(alphas.flat()) };
}

function alphas({ width, data }: Raster): string[] {
  const digits = Array.from(data.filter((_, index) => index % 4 === 3)).join("");
  return digits.match(new RegExp(`.{${width}}`, "g")) ?? [];
}

function spec(styleId: string, texts: readonly string[]): OverlaySpec {
  const lines = texts.map((text) => ({
    text,
    words: Array.from(text, (_, index) => ({
      charStart: index,
      charEnd: index + 1,
      firstFilmFrame: 10 + index,
      endFilmFrame: 11 + index,
    })),
  }));
  const cues = [{ firstFilmFrame: 0, frames: 50, lines }];
  const captionStyle = loadStyle("subtitle", styleId);
  const canvas = { width: 1080, height: 1920, frameRateHz: 25, firstFilmFrame: 0, frames: 100 };
  return { ...canvas, cues, captionStyle, title: null, labels: [] };
}

test("lit columns of a band come from the lit drawing, the rest from the other", () => {
  const whole = spliced(raster(10, 5, ["1111", "1111"]), raster(10, 5, ["2222", "2222"]), [
    { rows: [-Infinity, 6], columns: [11, 13] },
    { rows: [6, Infinity], columns: null },
  ]);
  assert.deepEqual(alphas(whole), ["1221", "1111"]);
});

test("where the lit drawing is empty, nothing of the other one stays", () => {
  const whole = spliced(raster(0, 0, ["111"]), raster(1, 0, ["2"]), [{ rows: [0, 1], columns: [0, 2] }]);
  assert.deepEqual(alphas(whole), ["021"]);
});

test("margins are cut off, and what lies outside of the canvas", () => {
  const inner = withoutMargin(raster(-1, 8, ["0000", "0120", "0300"]));
  assert.deepEqual([inner.x, inner.y, alphas(inner)], [0, 9, ["12", "30"]]);
  const visible = onCanvas(raster(-1, 8, ["1234", "5678"]), { width: 2, height: 9 });
  assert.deepEqual([visible.x, visible.y, alphas(visible)], [0, 8, ["23"]]);
  assert.deepEqual(alphas(withoutMargin(raster(0, 0, ["00", "00"]))), ["0"]);
});

test("a pose makes a picture fainter and lower", () => {
  const shown = posed(raster(0, 0, ["48"]), 0.5, 7);
  assert.deepEqual([shown.y, alphas(shown)], [7, ["24"]]);
});

test("drawings arrive as PNG", () => {
  const png = new PNG({ width: 1, height: 1 });
  png.data.set([9, 8, 7, 6]);
  assert.deepEqual([...decoded(PNG.sync.write(png), 3, 4).data], [9, 8, 7, 6]);
});

test("rows belong to one line each, or to none where letters touch", () => {
  assert.deepEqual(bandsOf([[0, 10]]), [[-Infinity, Infinity]]);
  assert.deepEqual(bandsOf([[0, 10], [14, 20]]), [[-Infinity, 12], [12, Infinity]]); // biome-ignore format: pairs
  assert.equal(bandsOf([[0, 10], [11, 20]]), null); // biome-ignore format: pairs
});

test("a karaoke cue needs two drawings, however many words it has", () => {
  const [portion] = [...portions(spec("karaoke", ["今天天气", "真好"]))];
  assert.equal(portion?.drawings.length, 2);
  assert.deepEqual(
    portion?.pictures.map(({ first, frames }) => [first, frames]),
    [[0, 1], [1, 1], [2, 1], [3, 7], [10, 1], [11, 1], [12, 1], [13, 37]], // biome-ignore format: pairs
  );
});

test("every word on a pill is a drawing", () => {
  const [portion] = [...portions(spec("pill", ["今天"]))];
  assert.deepEqual(portion?.pictures.map(({ drawings }) => drawings), [[0], [0], [0], [0], [1], [2]]); // biome-ignore format: row
});

test("what grows is drawn by itself", () => {
  const of = spec("spotlight", ["今天"]);
  const placed = placeBlock(drafts(of)[0] ?? assert.fail(), of.width, of.height);
  assert.equal(recipeOf(placed, 0).looks[0]?.pose.scale !== 1, true);
  assert.equal(recipeOf(placed, 20).looks.length, 2);
});

test("sheets are cut where smaller ones save more than a page costs", () => {
  const [large, small] = [[1000, 1000], [1000, 200]] as const; // biome-ignore format: sizes
  assert.deepEqual(cuts([large, small, small]), [[0, 3]]);
  const many = Array.from({ length: 50 }, () => small);
  assert.deepEqual(cuts([large, ...many]), [[0, 1], [1, 51]]); // biome-ignore format: ranges
  const [portion] = [...portions(spec("karaoke", ["今天"]))];
  assert.equal(sheets(portion?.drawings ?? [])[0]?.sheet.drawings.length, 2);
});
