import assert from "node:assert/strict";
import { test } from "node:test";
import { PNG } from "pngjs";
import { drafts, placeBlock } from "../child/blocks.js";
import { plannedPictures } from "../child/plan.js";
import { decoded, onCanvas, posed, type Raster, spliced, withoutMargin } from "../child/raster.js";
import { bandsOf, recipeOf } from "../child/recipe.js";
import { Shown } from "../child/renderer.js";
import type { OverlaySpec, SpecWord } from "../child/spec.js";
import { captionSpec } from "./fixtures.js";

function raster(x: number, y: number, rows: string[]): Raster {
  const alphas = rows.flatMap((row) => Array.from(row, (digit) => [1, 2, 3, Number(digit)]));
  return { x, y, width: rows[0]?.length ?? 0, height: rows.length, data: Buffer.from(alphas.flat()) };
}

function alphas({ width, data }: Raster): string[] {
  const digits = Array.from(data.filter((_, index) => index % 4 === 3)).join("");
  return digits.match(new RegExp(`.{${width}}`, "g")) ?? [];
}

function spec(styleId: string, texts: readonly string[]): OverlaySpec {
  const spoken = (text: string): SpecWord[] =>
    Array.from(text, (_, index) => ({ charStart: index, charEnd: index + 1, firstFilmFrame: 10 + index }));
  return captionSpec(
    styleId,
    texts.map((text) => ({ text, words: spoken(text) })),
    100,
  );
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

/** How many drawings are made for each picture of the only block. */
async function drawings(of: OverlaySpec): Promise<number[]> {
  const block = new Shown(placeBlock(drafts(of)[0] ?? assert.fail(), of));
  const made: number[] = [];
  for (const { first } of plannedPictures(of)) {
    let count = 0;
    await block.on(first, async () => {
      count += 1;
      return raster(0, 0, ["1"]);
    });
    made.push(count);
  }
  return made;
}

test("a karaoke cue needs two drawings, however many words it has", async () => {
  const of = spec("karaoke", ["今天天气", "真好"]);
  assert.deepEqual(
    plannedPictures(of).map(({ first, end }) => [first, end]),
    [[0, 1], [1, 2], [2, 3], [3, 10], [10, 11], [11, 12], [12, 13], [13, 50]], // biome-ignore format: pairs
  );
  assert.deepEqual(await drawings(of), [1, 0, 0, 0, 1, 0, 0, 0]);
});

test("every word on a pill is a drawing", async () => {
  assert.deepEqual(await drawings(spec("pill", ["今天"])), [1, 0, 0, 0, 1, 1]);
});

test("what grows is drawn by itself", () => {
  const of = spec("spotlight", ["今天"]);
  const placed = placeBlock(drafts(of)[0] ?? assert.fail(), of);
  assert.equal(recipeOf(placed, 0).looks[0]?.pose.scale !== 1, true);
  assert.equal(recipeOf(placed, 20).looks.length, 2);
});
