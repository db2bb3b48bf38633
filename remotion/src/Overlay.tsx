/** The composition that the overlay service renders: one frame a picture, only as large as what is drawn. */

import type { ReactElement } from "react";
import { useCurrentFrame } from "remotion";
import { BlockPicture } from "./BlockPicture.js";
import type { Block } from "./block.js";
import type { Look } from "./look.js";

/** Block `block` of a sheet in a look. */
export interface Drawing {
  readonly block: number;
  readonly look: Look;
}

/** Drawings that are rendered together; composition frame n shows drawing n. */
export type Sheet = {
  readonly width: number;
  readonly height: number;
  readonly blocks: readonly Block[];
  readonly drawings: readonly Drawing[];
};

export function Overlay(sheet: Sheet): ReactElement {
  return <SheetFrame sheet={sheet} frame={useCurrentFrame()} />;
}

/** Drawing `frame` of a sheet with the left top corner of its extent in the corner. */
export function SheetFrame({ sheet, frame }: { sheet: Sheet; frame: number }): ReactElement | null {
  const drawing = sheet.drawings[frame];
  const block = drawing && sheet.blocks[drawing.block];
  if (!block) return null;
  const [left, top] = block.extent;
  return (
    <svg width={sheet.width} height={sheet.height} viewBox={`${left} ${top} ${sheet.width} ${sheet.height}`}>
      <title>overlay</title>
      <BlockPicture block={block} look={drawing.look} />
    </svg>
  );
}
