/** A style of assets/styles/schema.json with its defaults filled, and what it says about text. Lengths are in em. */

export type Color = string;

/** Left, top, right and bottom edge. */
export type Edges = readonly [left: number, top: number, right: number, bottom: number];

export interface Animation {
  readonly kind: "none" | "fade" | "pop" | "slide";
  readonly frames: number;
}

export interface Style {
  readonly font: { readonly id: string; readonly weight: number };
  readonly size: number;
  readonly line_height: number;
  readonly letter_spacing: number;
  readonly uppercase: boolean;
  readonly alignment: "left" | "center" | "right";
  readonly fill: { readonly color: Color; readonly to: Color | null };
  readonly outline: { readonly width: number; readonly color: Color };
  readonly shadow: { readonly x: number; readonly y: number; readonly blur: number; readonly color: Color };
  readonly box: {
    readonly mode: "none" | "line" | "block";
    readonly color: Color;
    readonly padding_x: number;
    readonly padding_y: number;
    readonly radius: number;
  };
  readonly position: {
    readonly area: "caption" | "title" | "safe";
    readonly vertical: "top" | "middle" | "bottom";
    readonly bounds: Edges | null;
  };
  readonly highlight: {
    readonly mode: "none" | "word" | "karaoke" | "pill";
    readonly color: Color;
    readonly pill_color: Color;
    readonly padding_x: number;
    readonly padding_y: number;
    readonly radius: number;
  };
  readonly in: Animation;
  readonly out: Animation;
}

/** `text` as the style shows it; offsets stay, so a letter whose capital is two letters keeps its case. */
export function displayed(text: string, style: Style): string {
  if (!style.uppercase) return text;
  return Array.from(text, capital).join("");
}

function capital(letter: string): string {
  const upper = letter.toUpperCase();
  return Array.from(upper).length === 1 ? upper : letter;
}

/** The opaque part of a colour, and its alpha from 0 to 1. */
export function withAlpha(color: Color): { rgb: string; alpha: number } {
  const alpha = color.length === 9 ? Number.parseInt(color.slice(7), 16) / 255 : 1;
  return { rgb: color.slice(0, 7), alpha };
}
