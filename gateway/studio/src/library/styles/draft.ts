// A style while it is being made: as its file has it, with every default filled in.
import type { Style } from "../../api/client.ts";

export type Role = Style["role"];

export type Animation = { kind: "none" | "fade" | "pop" | "slide"; frames: number };

/** The keys of /assets/styles/schema.json that the editor has fields for: all but `bounds`, which a film decides. */
export type Draft = {
  version: 1;
  names: { en: string; zh: string };
  font: { id: string; weight: number };
  size: number;
  line_height: number;
  letter_spacing: number;
  uppercase: boolean;
  alignment: "left" | "center" | "right";
  max_lines: number;
  punctuation: "clean" | "full";
  fill: { color: string; to: string | null };
  outline: { width: number; color: string };
  shadow: { x: number; y: number; blur: number; color: string };
  box: { mode: "none" | "line" | "block"; color: string } & Room;
  position: { area: "caption" | "title" | "safe"; vertical: "top" | "middle" | "bottom" };
  highlight: { mode: "none" | "word" | "karaoke" | "pill"; color: string; pill_color: string } & Room;
  in: Animation;
  out: Animation;
};

/** Around letters that stand on something, in shares of their size. */
export type Room = { padding_x: number; padding_y: number; radius: number };

const ANIMATION_FRAMES = 6;
const SHADOW = { x: 0, y: 0.06, blur: 0.08, color: "#000000B3" };
const LONGEST = { en: 40, zh: 20 };

/** A copy of a style under a name of its own. */
export function draftOf(style: Style, name: string): Draft {
  return named(structuredClone(style.style) as unknown as Draft, name);
}

export function named(draft: Draft, name: string): Draft {
  return { ...draft, names: { en: name.slice(0, LONGEST.en), zh: name.slice(0, LONGEST.zh) } };
}

export function fileOf(draft: Draft): File {
  return new File([JSON.stringify(draft, null, 2)], `${draft.names.en}.json`, { type: "application/json" });
}

/** The colour without its transparency, as fields for colours take it. */
export const opaque = (color: string) => color.slice(0, 7);

/** Another colour, as transparent as before. */
export const recoloured = (before: string, color: string) => color + before.slice(7);

/** Another way to come or go, as long as before where it took time. */
export const animated = (before: Animation, kind: Animation["kind"]): Animation => ({
  kind,
  frames: kind === "none" ? 0 : before.frames || ANIMATION_FRAMES,
});

/** Whether a shadow is seen. */
export const isSeen = (shadow: Draft["shadow"]) => !/^#.{6}00$/.test(shadow.color);

/** With a shadow as most styles have it, or with none. */
export const shadowed = (shadow: Draft["shadow"], on: boolean): Draft["shadow"] =>
  on ? SHADOW : { ...shadow, color: `${opaque(shadow.color)}00` };
