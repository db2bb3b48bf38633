/** A whole short in Remotion: footage, voice and everything written over them. What the overlay service is measured against. */

import type { ReactElement } from "react";
import { AbsoluteFill, Html5Audio, OffthreadVideo, useCurrentFrame } from "remotion";
import type { Block } from "./block.js";
import { Layers } from "./Layers.js";

export type ShortProps = {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly frames: number;
  /** URLs that the renderer can fetch. */
  readonly footage: string;
  readonly audio: string;
  readonly blocks: readonly Block[];
};

export function Short(props: ShortProps): ReactElement {
  const frame = useCurrentFrame();
  const { width, height } = props;
  return (
    <AbsoluteFill>
      <OffthreadVideo muted src={props.footage} style={{ width, height, objectFit: "cover" }} />
      <Html5Audio src={props.audio} />
      <AbsoluteFill>
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          <title>overlay</title>
          <Layers blocks={props.blocks} frame={frame} />
        </svg>
      </AbsoluteFill>
    </AbsoluteFill>
  );
}
