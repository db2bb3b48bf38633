// A style while it is being made: as its file has it, with every default filled in.
import type { Style } from "../../api/client.ts";

export type Role = Style["role"];

/** The keys of /assets/styles/schema.json that the editor has fields for; the others stay as they are. */
export type Draft = {
  version: 1;
  names: { en: string; zh: string };
  font: { id: string; weight: number };
  size: number;
  uppercase: boolean;
  fill: { color: string; to: string | null };
  outline: { width: number; color: string };
  box: { mode: "none" | "line" | "block"; color: string };
  position: { vertical: "top" | "middle" | "bottom" };
  highlight: { mode: "none" | "word" | "karaoke" | "pill"; color: string; pill_color: string };
  in: { kind: "none" | "fade" | "pop" | "slide"; frames: number };
};

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
