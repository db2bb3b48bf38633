/** What Remotion can render. Sizes and lengths come from the properties. */

import type { ReactElement } from "react";
import { Composition } from "remotion";
import { Overlay, type Sheet } from "./Overlay.js";
import { Short, type ShortProps } from "./Short.js";

const NOTHING: Sheet = { width: 16, height: 16, blocks: [], drawings: [] };
const EMPTY: ShortProps = {
  width: 1080,
  height: 1920,
  fps: 25,
  frames: 1,
  footage: "",
  audio: "",
  labels: [],
  title: null,
  captions: [],
};

export function Root(): ReactElement {
  return (
    <>
      <Composition
        id="Overlay"
        component={Overlay}
        defaultProps={NOTHING}
        width={NOTHING.width}
        height={NOTHING.height}
        fps={25}
        durationInFrames={1}
        calculateMetadata={({ props: { width, height, drawings } }) => ({
          width,
          height,
          durationInFrames: Math.max(1, drawings.length),
        })}
      />
      <Composition
        id="Short"
        component={Short}
        defaultProps={EMPTY}
        width={EMPTY.width}
        height={EMPTY.height}
        fps={EMPTY.fps}
        durationInFrames={EMPTY.frames}
        calculateMetadata={({ props: { width, height, fps, frames } }) => ({
          width,
          height,
          fps,
          durationInFrames: frames,
        })}
      />
    </>
  );
}
