/** A whole short in Remotion: footage, voice, label, title and captions. What the overlay service is measured against. */

import type { ReactElement } from "react";
import { AbsoluteFill, Html5Audio, OffthreadVideo, useCurrentFrame } from "remotion";
import type { Block } from "./block.js";
import { Captions, Labels, Title } from "./Layers.js";

export type ShortProps = {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly frames: number;
  /** URLs that the renderer can fetch. */
  readonly footage: string;
  readonly audio: string;
  readonly labels: readonly Block[];
  readonly title: Block | null;
  readonly captions: readonly Block[];
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
          <Labels blocks={props.labels} frame={frame} />
          {props.title && <Title block={props.title} frame={frame} />}
          <Captions blocks={props.captions} frame={frame} />
        </svg>
      </AbsoluteFill>
    </AbsoluteFill>
  );
}
