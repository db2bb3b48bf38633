/** The blocks of a film as a pure function of (film frame, properties). */

import type { ReactElement } from "react";
import { BlockPicture } from "./BlockPicture.js";
import type { Block } from "./block.js";
import { lookAt } from "./look.js";

export interface LayerProps {
  readonly blocks: readonly Block[];
  /** Film frame. */
  readonly frame: number;
}

/** All blocks on a film frame, later ones above. */
export function Layers({ blocks, frame }: LayerProps): ReactElement {
  const shown = blocks.filter(({ times }) => times.first <= frame && frame < times.end);
  return (
    <>
      {shown.map((block) => (
        <BlockPicture key={block.extent.join()} block={block} look={lookAt(block, frame)} />
      ))}
    </>
  );
}
