/** What the browser draws at once, as properties of the composition `Overlay`. */

import { RESTING } from "./animation.js";
import type { Block } from "./block.js";
import type { Look } from "./look.js";

/** A block in a look, on a canvas of the size of its extent. No other drawing has its `id`: the page shows it or not. */
export type Drawing = {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly block: Block | null;
  readonly look: Look;
};

export const NOTHING: Drawing = {
  id: "nothing",
  width: 16,
  height: 16,
  block: null,
  look: { pose: RESTING, lit: [], pill: null },
};
