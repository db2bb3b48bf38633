/** The composition that the overlay service renders, only as large as what is drawn. */

import type { ReactElement } from "react";
import { BlockPicture } from "./BlockPicture.js";
import type { Drawing } from "./drawing.js";

/** A block with the left top corner of its extent in the corner. */
export function Overlay({ id, width, height, block, look }: Drawing): ReactElement {
  const [left, top] = block?.extent ?? [0, 0];
  return (
    <svg id={id} width={width} height={height} viewBox={`${left} ${top} ${width} ${height}`}>
      <title>overlay</title>
      {block && <BlockPicture block={block} look={look} />}
    </svg>
  );
}
