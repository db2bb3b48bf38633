/** What Remotion can render. Sizes and lengths come from the properties. */

import type { ReactElement } from "react";
import { Composition } from "remotion";
import { Overlay, type Sheet } from "./Overlay.js";

const NOTHING: Sheet = { width: 16, height: 16, blocks: [], drawings: [] };

export function Root(): ReactElement {
  return (
    <Composition
      id="Overlay"
      component={Overlay}
      defaultProps={NOTHING}
      width={NOTHING.width}
      height={NOTHING.height}
      fps={25}
      durationInFrames={1}
      calculateMetadata={({ props }) => ({
        width: props.width,
        height: props.height,
        durationInFrames: Math.max(1, props.drawings.length),
      })}
    />
  );
}
