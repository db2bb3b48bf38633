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
  const whole = emptyAround(unlit, lit);
  copy(unlit, whole, [-Infinity, Infinity], [-Infinity, Infinity]);
  for (const { rows, columns } of bands) {
    if (!columns) continue;
    clear(whole, rows, columns);
    copy(lit, whole, rows, columns);
  }
  return whole;
}

/** Fainter and lower, as `posed` of services/overlay/plain/animation.py. */
export function posed(raster: Raster, opacity: number, belowPx: number): Raster {
  if (opacity >= 1) return { ...raster, y: raster.y + belowPx };
  const data = Buffer.from(raster.data);
  for (let index = 3; index < data.length; index += 4) data[index] = Math.round((data[index] ?? 0) * opacity);
  return { ...raster, y: raster.y + belowPx, data };
}

/** Without empty rows and columns around; a pixel at least. */
export function withoutMargin(raster: Raster): Raster {
  const [left, top, right, bottom] = ink(raster);
  return cut(raster, raster.x + left, raster.y + top, right - left, bottom - top);
}

/** Without what lies outside of the canvas; a pixel at least. */
export function onCanvas(raster: Raster, canvas: { width: number; height: number }): Raster {
  const left = Math.min(Math.max(raster.x, 0), raster.x + raster.width - 1);
  const top = Math.min(Math.max(raster.y, 0), raster.y + raster.height - 1);
  const right = Math.max(Math.min(raster.x + raster.width, canvas.width), left + 1);
  const bottom = Math.max(Math.min(raster.y + raster.height, canvas.height), top + 1);
  return cut(raster, left, top, right - left, bottom - top);
}

function cut(raster: Raster, x: number, y: number, width: number, height: number): Raster {
  if (width === raster.width && height === raster.height) return raster;
  const part = { x, y, width, height, data: Buffer.alloc(width * height * 4) };
  copy(raster, part, [y, y + height], [x, x + width]);
  return part;
}

function emptyAround(one: Raster, other: Raster): Raster {
  const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
  const width = Math.max(one.x + one.width, other.x + other.width) - x;
  const height = Math.max(one.y + one.height, other.y + other.height) - y;
  return { x, y, width, height, data: Buffer.alloc(width * height * 4) };
}

/** Copies what two rasters share of some rows and columns of the canvas. */
function copy(from: Raster, to: Raster, rows: Rows, columns: Columns): void {
  const [top, bottom] = shared(rows, [from.y, from.y + from.height], [to.y, to.y + to.height]);
  const [left, right] = shared(columns, [from.x, from.x + from.width], [to.x, to.x + to.width]);
  for (let y = top; y < bottom && left < right; y++) {
    const start = offset(from, left, y);
    from.data.copy(to.data, offset(to, left, y), start, start + (right - left) * 4);
  }
}

function clear(raster: Raster, rows: Rows, columns: Columns): void {
  const [top, bottom] = shared(rows, [raster.y, raster.y + raster.height]);
  const [left, right] = shared(columns, [raster.x, raster.x + raster.width]);
  for (let y = top; y < bottom && left < right; y++)
    raster.data.fill(0, offset(raster, left, y), offset(raster, right, y));
}

function offset({ x, y, width }: Raster, column: number, row: number): number {
  return ((row - y) * width + column - x) * 4;
}

/** The part of a range that all others share. */
function shared(...ranges: readonly (readonly [number, number])[]): [number, number] {
  return [Math.max(...ranges.map(([from]) => from)), Math.min(...ranges.map(([, to]) => to))];
}

/** Left, top, right and bottom edge of what is not empty. */
function ink({ width, height, data }: Raster): [number, number, number, number] {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++) {
    const alpha = y * width * 4 + 3;
    let first = 0;
    while (first < width && data[alpha + first * 4] === 0) first++;
    if (first === width) continue;
    let last = width - 1;
    while (data[alpha + last * 4] === 0) last--;
    [left, right] = [Math.min(left, first), Math.max(right, last + 1)];
    [top, bottom] = [Math.min(top, y), y + 1];
  }
  return bottom > 0 ? [left, top, right, bottom] : [0, 0, 1, 1];
}
