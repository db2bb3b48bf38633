/** Labels, the title and the captions of a film as pure functions of (film frame, properties). */

import type { ReactElement } from "react";
import { BlockPicture } from "./BlockPicture.js";
import type { Block } from "./block.js";
import { lookAt } from "./look.js";

export interface LayerProps {
  readonly blocks: readonly Block[];
  /** Film frame. */
  readonly frame: number;
}

/** The caption on a film frame: cues do not overlap. */
export function Captions({ blocks, frame }: LayerProps): ReactElement | null {
  const cue = blocks.find((block) => shows(block, frame));
  return cue ? <BlockPicture block={cue} look={lookAt(cue, frame)} /> : null;
}

export function Title({ block, frame }: { block: Block; frame: number }): ReactElement | null {
  return shows(block, frame) ? <BlockPicture block={block} look={lookAt(block, frame)} /> : null;
}

/** All labels on a film frame, later ones above. */
export function Labels({ blocks, frame }: LayerProps): ReactElement {
  const shown = blocks.filter((block) => shows(block, frame));
  return (
    <>
      {shown.map((block) => (
        <BlockPicture key={block.extent.join()} block={block} look={lookAt(block, frame)} />
      ))}
    </>
  );
}

function shows({ times }: Block, frame: number): boolean {
  return times.first <= frame && frame < times.end;
}
