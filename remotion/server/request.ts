/** A RenderRequest as a checked OverlaySpec. */

import type { Edges } from "../src/style.js";
import { InvalidInputError } from "./errors.js";
import { checkSpec } from "./limits.js";
import type { Corner, Cue, Label, OverlaySpec, Title } from "./spec.js";
import { parseStyle } from "./styles.js";

/** Messages as the loader makes them: defaults filled, 64-bit integers as numbers, enums as numbers. */
export interface RenderRequest {
  readonly width: number;
  readonly height: number;
  readonly frameRateHz: number;
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly cues: readonly Cue[];
  readonly captionStyleJson: string;
  readonly title: TitleMessage | null;
  readonly labels: readonly LabelMessage[];
}

interface TitleMessage {
  readonly lines: readonly string[];
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly styleJson: string;
}

interface LabelMessage {
  readonly text: string;
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly heightShare: number;
  readonly corner: number;
  readonly bounds: readonly number[];
}

const CORNERS: readonly Corner[] = ["top_left", "top_left", "top_right", "bottom_left", "bottom_right"];

/** What `request` asks for, styles with defaults filled. Throws InvalidInputError naming the field at fault. */
export function overlaySpec(request: RenderRequest): OverlaySpec {
  const { width, height, frameRateHz, firstFilmFrame, frames, cues } = request;
  const spec: OverlaySpec = {
    width,
    height,
    frameRateHz,
    firstFilmFrame,
    frames,
    cues,
    captionStyle: cues.length > 0 ? parseStyle(request.captionStyleJson, "caption_style_json") : null,
    title: request.title ? titleOf(request.title) : null,
    labels: request.labels.map((label, index) => labelOf(`labels[${index}]`, label)),
  };
  checkSpec(spec);
  return spec;
}

function titleOf({ lines, firstFilmFrame, frames, styleJson }: TitleMessage): Title {
  return { lines, firstFilmFrame, frames, style: parseStyle(styleJson, "title.style_json") };
}

function labelOf(field: string, label: LabelMessage): Label {
  const corner = CORNERS[label.corner];
  if (corner === undefined) {
    throw new InvalidInputError(`${label.corner} is no corner.`, "Give 1 to 4.", { field: `${field}.corner` });
  }
  const { text, firstFilmFrame, frames, heightShare } = label;
  return { text, firstFilmFrame, frames, heightShare, corner, bounds: boundsOf(field, label.bounds) };
}

function boundsOf(field: string, bounds: readonly number[]): Edges | null {
  if (bounds.length === 0) return null;
  const [left = -1, top = -1, right = -1, bottom = -1] = bounds;
  if (bounds.length === 4 && left >= 0 && left < right && right <= 1 && top >= 0 && top < bottom && bottom <= 1) {
    return [left, top, right, bottom];
  }
  throw new InvalidInputError(
    `[${bounds.slice(0, 8).join(", ")}] is no area.`,
    "Give left, top, right and bottom edge as shares of the canvas, or none.",
    { field: `${field}.bounds` },
  );
}
