/** What to draw on film frames [firstFilmFrame, firstFilmFrame + frames) of a canvas; styles with defaults filled. */

import type { Edges, Style } from "../src/style.js";

/** Characters [charStart, charEnd) of a line, in code points, are spoken from `firstFilmFrame` on. */
export interface CueWord {
  readonly charStart: number;
  readonly charEnd: number;
  readonly firstFilmFrame: number;
  readonly endFilmFrame: number;
}

export interface CueLine {
  readonly text: string;
  readonly words: readonly CueWord[];
}

export interface Cue {
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly lines: readonly CueLine[];
}

export interface Title {
  readonly lines: readonly string[];
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly style: Style;
}

export type Corner = "top_left" | "top_right" | "bottom_left" | "bottom_right";

/**
 * `heightShare` is the text height as a share of the canvas's shorter side, `bounds` the area in whose corner it stands
 * as shares of the canvas; null is the area that is safe on every platform.
 */
export interface Label {
  readonly text: string;
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly heightShare: number;
  readonly corner: Corner;
  readonly bounds: Edges | null;
}

export interface OverlaySpec {
  readonly width: number;
  readonly height: number;
  readonly frameRateHz: number;
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly cues: readonly Cue[];
  /** Null when there are no cues. */
  readonly captionStyle: Style | null;
  readonly title: Title | null;
  readonly labels: readonly Label[];
}

/** Straight RGBA over `frames` film frames from `firstFilmFrame`, `width` x `height` pixels at (x, y). */
export interface OverlayPicture {
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}
