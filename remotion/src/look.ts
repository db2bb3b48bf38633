/** What a block looks like on a film frame: a pure function of the frame and the block. */

import { type Pose, poseAt } from "./animation.js";
import { type Block, type Line, pillEdges, type Word } from "./block.js";
import { roundHalfEven } from "./rounding.js";
import { begun } from "./states.js";
import type { Edges } from "./style.js";

/** Whole pixel columns [left, right) of the canvas. */
export type Columns = readonly [left: number, right: number];

/** Beyond any canvas. */
export const FAR = 20_000;
export const ALL: Columns = [-FAR, FAR];

/** Pose of a block, the lit columns of each of its lines, and the pill behind the word being spoken. */
export interface Look {
  readonly pose: Pose;
  readonly lit: readonly (Columns | null)[];
  readonly pill: Edges | null;
}

export function lookAt(block: Block, frame: number): Look {
  const { mode } = block.style.highlight;
  const words = block.lines.flatMap((line) => line.words.map((word) => ({ ...word, line })));
  const spoken = mode === "none" ? [] : begun(words, frame);
  const lit = mode === "karaoke" ? spoken : spoken.slice(-1);
  const current = spoken.at(-1);
  return {
    pose: poseAt(block.style, block.times, block.fontPx, frame),
    lit: block.lines.map((line) => columnsOf(line, lit)),
    pill: mode === "pill" && current ? pillEdges(block, current.line, current) : null,
  };
}

/** Columns of a line from its first lit word to its last. */
function columnsOf(line: Line, lit: readonly (Word & { readonly line: Line })[]): Columns | null {
  const words = lit.filter((word) => word.line === line);
  const [first, last] = [words[0], words.at(-1)];
  return first && last ? [roundHalfEven(first.left), roundHalfEven(last.right)] : null;
}
