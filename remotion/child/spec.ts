/** What to draw, resolved by services/overlay/remotion/resolve.py: defaults filled, fonts as files, places in pixels. */

import type { Edges, Style } from "../src/style.js";

/** Characters [charStart, charEnd) of a line, in code points, are spoken from `firstFilmFrame` on. */
export interface SpecWord {
  readonly charStart: number;
  readonly charEnd: number;
  readonly firstFilmFrame: number;
}

export interface SpecLine {
  readonly text: string;
  readonly words: readonly SpecWord[];
}

/** A style with the path of its font and the edges of the box, in pixels, in which its blocks stand. */
export interface Setting {
  readonly style: Style;
  readonly font: string;
  readonly bounds: Edges;
}

/** Lines on screen for `frames` film frames; `setting` is an index. */
export interface SpecBlock {
  readonly setting: number;
  readonly firstFilmFrame: number;
  readonly frames: number;
  readonly lines: readonly SpecLine[];
}

/** Film frames [firstFilmFrame, firstFilmFrame + frames) of a canvas; later blocks lie above. */
export interface OverlaySpec {
  readonly width: number;
  readonly height: number;
  readonly frameRateHz: number;
  readonly firstFilmFrame: number;
  readonly frames: number;
  /** Path of the font that draws emoji. */
  readonly emojiFont: string;
  readonly settings: readonly Setting[];
  readonly blocks: readonly SpecBlock[];
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
