/** What Remotion can render. Sizes and lengths come from the properties. */

import type { ReactElement } from "react";
import { Composition, Still } from "remotion";
import { NOTHING } from "./drawing.js";
import { Overlay } from "./Overlay.js";
import { Short, type ShortProps } from "./Short.js";

const EMPTY: ShortProps = {
  width: 1080,
  height: 1920,
  fps: 25,
  frames: 1,
  footage: "",
  audio: "",
  blocks: [],
};

export function Root(): ReactElement {
  return (
    <>
      <Still
        id="Overlay"
        component={Overlay}
        defaultProps={NOTHING}
        width={NOTHING.width}
        height={NOTHING.height}
        calculateMetadata={({ props: { width, height } }) => ({ width, height })}
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
