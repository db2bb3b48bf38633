/** Which frames of a block differ: one a highlighted word, one a frame while it comes or goes. */

import type { Times } from "./block.js";
import type { Style } from "./style.js";

/** Film frames [first, end) that show the same picture. */
export interface Span {
  readonly first: number;
  readonly end: number;
}

/** Stretches of [start, stop) on which nothing changes, in order; `wordFrames` are the first frames of its words. */
export function states(style: Style, times: Times, wordFrames: readonly number[], start: number, stop: number): Span[] {
  const from = Math.max(times.first, start);
  const to = Math.min(times.end, stop);
  if (from >= to) return [];
  const lit = style.highlight.mode === "none" ? [] : wordFrames;
  const edges = [...range(times.first, times.entered), ...lit, ...range(times.leaving, times.end)];
  const inside = edges.filter((edge) => edge > from && edge < to);
  const sorted = [...new Set([from, ...inside, to])].sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => ({ first: sorted[index] ?? end, end }));
}

/** The words begun by a film frame, in the order in which they are spoken. The last keeps the light: no flicker. */
export function begun<T extends { readonly firstFilmFrame: number }>(words: readonly T[], frame: number): T[] {
  return words.filter((word) => word.firstFilmFrame <= frame).sort((a, b) => a.firstFilmFrame - b.firstFilmFrame);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
