/** How a block comes and goes: the formulas of services/overlay/plain/animation.py. */

import type { Times } from "./block.js";
import { roundHalfEven } from "./rounding.js";
import type { Animation, Style } from "./style.js";

/** Frames in styles are of this rate. */
const STYLE_FRAME_RATE_HZ = 25;
const SMALLEST = 0.8;
const OVERSHOOT = 1.70158;
const RISE_EM = 0.5;

/** Opacity 0 to 1, size against the full one and pixels below the resting place. */
export interface Pose {
  readonly opacity: number;
  readonly scale: number;
  readonly belowPx: number;
}

export const RESTING: Pose = { opacity: 1, scale: 1, belowPx: 0 };

/** When a block of `frames` film frames from `first` comes and goes. */
export function timesOf(style: Style, first: number, frames: number, frameRateHz: number): Times {
  const most = Math.floor(frames / 2);
  const end = first + frames;
  return {
    first,
    entered: first + animatedFrames(style.in, frameRateHz, most),
    leaving: end - animatedFrames(style.out, frameRateHz, most),
    end,
  };
}

/** Film frames that an `in` or `out` lasts, `most` at most. */
export function animatedFrames(animation: Animation, frameRateHz: number, most: number): number {
  if (animation.kind === "none") return 0;
  return Math.min(most, roundHalfEven((animation.frames * frameRateHz) / STYLE_FRAME_RATE_HZ));
}

/** Pose of a block on a film frame. */
export function poseAt(style: Style, times: Times, fontPx: number, frame: number): Pose {
  const { first, entered, leaving, end } = times;
  if (frame < entered) return pose(style.in.kind, (frame - first + 1) / (entered - first + 1), fontPx);
  if (frame >= leaving) return pose(style.out.kind, (end - frame) / (end - leaving + 1), fontPx);
  return RESTING;
}

/**
 * Pose when a share `done` (0 to 1) of an entrance is over; an exit is an entrance backwards.
 *
 * fade: cubic ease-out of the opacity. slide: the same, rising by half an em. pop: from 80 % with the back ease-out of
 * R. Penner (overshoot 1.70158), opaque after the first half.
 */
export function pose(kind: Animation["kind"], done: number, fontPx: number): Pose {
  const eased = 1 - (1 - done) ** 3;
  switch (kind) {
    case "fade":
      return { ...RESTING, opacity: eased };
    case "slide":
      return { opacity: eased, scale: 1, belowPx: (1 - eased) * RISE_EM * fontPx };
    case "pop": {
      const back = 1 + (OVERSHOOT + 1) * (done - 1) ** 3 + OVERSHOOT * (done - 1) ** 2;
      return { opacity: Math.min(1, 2 * done), scale: SMALLEST + (1 - SMALLEST) * back, belowPx: 0 };
    }
    case "none":
      return RESTING;
  }
}
