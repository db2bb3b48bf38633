/** The letters of a line, lit from one column to another. */

import { type ReactElement, useId } from "react";
import type { Line } from "./block.js";
import { EM_ASCENT } from "./layout.js";
import { type Columns, FAR } from "./look.js";
import type { Color, Style } from "./style.js";

interface LettersProps {
  readonly line: Line;
  readonly fontPx: number;
  readonly fill: Style["fill"];
  readonly lit: Columns | null;
  readonly litColor: Color;
}

/** Each pixel column has one colour, so no rim of the unlit colour shines through at the edges of lit letters. */
export function Letters({ line, fontPx, fill, lit, litColor }: LettersProps): ReactElement {
  const id = useId();
  const paint = fill.to === null ? fill.color : `url(#${id}fill)`;
  return (
    <>
      <defs>
        {fill.to !== null && <Gradient id={`${id}fill`} line={line} fontPx={fontPx} from={fill.color} to={fill.to} />}
        {lit && <ColumnsClip id={`${id}before`} left={-FAR} right={lit[0]} />}
        {lit && <ColumnsClip id={`${id}lit`} left={lit[0]} right={lit[1]} />}
        {lit && <ColumnsClip id={`${id}after`} left={lit[1]} right={FAR} />}
      </defs>
      {lit ? (
        <>
          <Clipped line={line} fill={paint} clip={`${id}before`} />
          <Clipped line={line} fill={litColor} clip={`${id}lit`} />
          <Clipped line={line} fill={paint} clip={`${id}after`} />
        </>
      ) : (
        <path d={line.outline} transform={placeOf(line)} fill={paint} />
      )}
    </>
  );
}

function placeOf(line: Line): string {
  return `translate(${line.x} ${line.baseline})`;
}

function Clipped({ line, fill, clip }: { line: Line; fill: string; clip: string }): ReactElement {
  return (
    <g clipPath={`url(#${clip})`}>
      <path d={line.outline} transform={placeOf(line)} fill={fill} />
    </g>
  );
}

function ColumnsClip({ id, left, right }: { id: string; left: number; right: number }): ReactElement {
  return (
    <clipPath id={id}>
      <rect x={left} y={-FAR} width={Math.max(0, right - left)} height={2 * FAR} />
    </clipPath>
  );
}

/** From the top of the line's em box to its bottom. */
function Gradient(props: { id: string; line: Line; fontPx: number; from: Color; to: Color }): ReactElement {
  const top = -EM_ASCENT * props.fontPx;
  return (
    <linearGradient id={props.id} gradientUnits="userSpaceOnUse" x1={0} x2={0} y1={top} y2={top + props.fontPx}>
      <stop offset={0} stopColor={props.from} />
      <stop offset={1} stopColor={props.to} />
    </linearGradient>
  );
}
