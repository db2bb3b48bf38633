/** Draws a block as SVG: box, shadow, pill, outline and letters, one over the other. */

import { type ReactElement, useId } from "react";
import type { Pose } from "./animation.js";
import { type Block, boxEdges, shadowShift } from "./block.js";
import { Letters } from "./Letters.js";
import type { Look } from "./look.js";
import { roundHalfEven } from "./rounding.js";
import { type Edges, withAlpha } from "./style.js";

/** A block as `look` has it, in pixels of the canvas; a pure function of its properties. */
export function BlockPicture({ block, look }: { block: Block; look: Look }): ReactElement {
  const { box, fill, outline, highlight } = block.style;
  return (
    <g opacity={look.pose.opacity} transform={transformOf(look.pose, block)}>
      {boxEdges(block).map((edges) => (
        <Box key={edges.join()} edges={edges} color={box.color} radius={box.radius * block.fontPx} />
      ))}
      <Shadow block={block} />
      {look.pill && <Box edges={look.pill} color={highlight.pill_color} radius={highlight.radius * block.fontPx} />}
      {outline.width > 0 && <Outlined block={block} color={outline.color} />}
      {block.lines.map((line, index) => (
        <Letters
          key={line.baseline}
          line={line}
          fontPx={block.fontPx}
          fill={fill}
          lit={look.lit[index] ?? null}
          litColor={highlight.color}
        />
      ))}
    </g>
  );
}

function transformOf({ scale, belowPx }: Pose, { middle: [x, y] }: Block): string | undefined {
  const moved = belowPx === 0 ? "" : `translate(0 ${roundHalfEven(belowPx)})`;
  const scaled = scale === 1 ? "" : `translate(${x} ${y}) scale(${scale}) translate(${-x} ${-y})`;
  return moved + scaled || undefined;
}

function Box({ edges, color, radius }: { edges: Edges; color: string; radius: number }): ReactElement {
  const [left, top, right, bottom] = edges;
  const [width, height] = [right - left, bottom - top];
  return (
    <rect x={left} y={top} width={width} height={height} rx={Math.min(radius, width / 2, height / 2)} fill={color} />
  );
}

/** Letters with their outlines in one colour; where lines overlap it is no thicker. */
function Outlined({ block, color }: { block: Block; color: string }): ReactElement {
  const { rgb, alpha } = withAlpha(color);
  const stroke = 2 * block.style.outline.width * block.fontPx;
  return (
    <g opacity={alpha} fill={rgb} stroke={stroke > 0 ? rgb : "none"} strokeWidth={stroke} strokeLinejoin="round">
      {block.lines.map((line) => (
        <path key={line.baseline} d={line.outline} transform={`translate(${line.x} ${line.baseline})`} />
      ))}
    </g>
  );
}

function Shadow({ block }: { block: Block }): ReactElement | null {
  const id = useId();
  const { color, blur } = block.style.shadow;
  const { rgb, alpha } = withAlpha(color);
  if (alpha === 0) return null;
  const [left, top, right, bottom] = block.extent;
  const [x, y] = shadowShift(block);
  return (
    <g transform={`translate(${x} ${y})`} opacity={alpha}>
      <filter
        id={id}
        filterUnits="userSpaceOnUse"
        x={left}
        y={top}
        width={right - left}
        height={bottom - top}
        colorInterpolationFilters="sRGB"
      >
        <feGaussianBlur stdDeviation={blur * block.fontPx} />
      </filter>
      <g filter={blur > 0 ? `url(#${id})` : undefined}>
        <Outlined block={block} color={rgb} />
      </g>
    </g>
  );
}
