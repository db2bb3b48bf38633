/** Which pictures a request has. */

import { states } from "../src/states.js";
import { type Draft, drafts } from "./blocks.js";
import type { OverlaySpec } from "./spec.js";

/** A picture of a block on film frames [first, end). */
export interface PlannedPicture {
  readonly draft: Draft;
  readonly first: number;
  readonly end: number;
  /** Whether it is the last picture of its block. */
  readonly last: boolean;
}

/** Pictures in order of their first film frame; of those with the same one, later blocks lie above. */
export function plannedPictures(spec: OverlaySpec): PlannedPicture[] {
  const stop = spec.firstFilmFrame + spec.frames;
  return drafts(spec)
    .flatMap((draft) => {
      const words = draft.lines.flatMap((line) => line.words.map((word) => word.firstFilmFrame));
      const spans = states(draft.setting.style, draft.times, words, spec.firstFilmFrame, stop);
      return spans.map((span, index): PlannedPicture => ({ draft, ...span, last: index === spans.length - 1 }));
    })
    .sort((a, b) => a.first - b.first);
}
