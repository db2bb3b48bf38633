/** Pixels that came from the browser, and what is made of them: straight RGBA, rows from the top. */

import { PNG } from "pngjs";
import type { Columns } from "../src/look.js";

/** `width` x `height` pixels with their left top corner at (x, y) of the canvas. */
export interface Raster {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

/** Rows [top, bottom) of the canvas. */
export type Rows = readonly [top: number, bottom: number];

export function decoded(png: Buffer, x: number, y: number): Raster {
  const { width, height, data } = PNG.sync.read(png);
  return { x, y, width, height, data };
}

/** `unlit` with the columns of each of its `bands` of rows taken from `lit`. */
export function spliced(unlit: Raster, lit: Raster, bands: readonly { rows: Rows; columns: Columns | null }[]): Raster {
  const data = Buffer.from(unlit.data);
  for (const { rows, columns } of bands) {
    if (!columns) continue;
    const [top, bottom] = inside(rows, unlit.y, unlit.height);
    const [left, right] = inside(columns, unlit.x, unlit.width);
    for (let row = top; row < bottom; row++) {
      const start = (row * unlit.width + left) * 4;
      lit.data.copy(data, start, start, start + Math.max(0, right - left) * 4);
    }
  }
  return { ...unlit, data };
}

/** Fainter and lower, as `posed` of services/overlay/animation.py. */
export function posed(raster: Raster, opacity: number, belowPx: number): Raster {
  if (opacity >= 1) return { ...raster, y: raster.y + belowPx };
  const data = Buffer.from(raster.data);
  for (let index = 3; index < data.length; index += 4) data[index] = Math.round((data[index] ?? 0) * opacity);
  return { ...raster, y: raster.y + belowPx, data };
}

/** Without what is empty and what lies outside of the canvas; a pixel at least. */
export function cropped(raster: Raster, canvas: { width: number; height: number }): Raster {
  const [inkLeft, inkTop, inkRight, inkBottom] = ink(raster);
  const left = Math.max(inkLeft, -raster.x);
  const top = Math.max(inkTop, -raster.y);
  const right = Math.max(Math.min(inkRight, canvas.width - raster.x), left + 1);
  const bottom = Math.max(Math.min(inkBottom, canvas.height - raster.y), top + 1);
  const [width, height] = [right - left, bottom - top];
  const data = Buffer.alloc(width * height * 4);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * raster.width + left) * 4;
    raster.data.copy(data, row * width * 4, start, start + width * 4);
  }
  return { x: raster.x + left, y: raster.y + top, width, height, data };
}

/** Left, top, right and bottom edge of what is not empty. */
function ink({ width, height, data }: Raster): [number, number, number, number] {
  const pixels = new Uint32Array(data.buffer, data.byteOffset, width * height);
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let row = 0; row < height; row++) {
    const line = pixels.subarray(row * width, (row + 1) * width);
    const first = line.findIndex(visible);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, line.findLastIndex(visible) + 1);
    top = Math.min(top, row);
    bottom = row + 1;
  }
  return bottom > 0 ? [left, top, right, bottom] : [0, 0, 1, 1];
}

/** Little-endian: alpha is the highest byte. */
function visible(pixel: number): boolean {
  return pixel >>> 24 !== 0;
}

function inside([from, to]: readonly [number, number], start: number, length: number): [number, number] {
  return [Math.min(Math.max(0, from - start), length), Math.min(Math.max(0, to - start), length)];
}
