/** Where blocks may stand: the safe areas of assets/styles, and the corners of labels. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Edges, Style } from "../src/style.js";
import { ASSETS } from "./paths.js";
import type { Label } from "./spec.js";
import { loadStyle } from "./styles.js";

/** Height of 国 in Noto Sans SC in em: GB 45438 counts the height of the letters, not of the em. */
const HAN_FACE_EM = 0.885;

type Area = Style["position"]["area"];
type Areas = Readonly<Record<Area, Edges>>;

interface SafeAreas {
  readonly canvas: readonly [width: number, height: number];
  readonly platforms: { readonly default: Areas };
  readonly landscape: Areas;
}

let known: SafeAreas | undefined;

/** Edges of an area of safe_areas.json in pixels; canvases wider than high have those of "landscape". */
export function safeArea(area: Area, width: number, height: number): Edges {
  known ??= JSON.parse(readFileSync(join(ASSETS, "styles", "safe_areas.json"), "utf8")) as SafeAreas;
  const [left, top, right, bottom] = (width > height ? known.landscape : known.platforms.default)[area];
  const [x, y] = [width / known.canvas[0], height / known.canvas[1]];
  return [left * x, top * y, right * x, bottom * y];
}

/** Edges of the box in which the style's block stands, in pixels. */
export function boundsPx(style: Style, width: number, height: number): Edges {
  const { bounds, area } = style.position;
  if (bounds === null) return safeArea(area, width, height);
  return [bounds[0] * width, bounds[1] * height, bounds[2] * width, bounds[3] * height];
}

/** The label style at the label's height, in its corner of its area. */
export function labelStyle(label: Label, width: number, height: number): Style {
  const [vertical, alignment] = label.corner.split("_") as ["top" | "bottom", "left" | "right"];
  const [left, top, right, bottom] = safeArea("safe", width, height);
  const bounds: Edges = label.bounds ?? [left / width, top / height, right / width, bottom / height];
  const size = label.heightShare / HAN_FACE_EM;
  return { ...loadStyle("label", "plain"), size, alignment, position: { area: "safe", vertical, bounds } };
}
