// What the next film is made of: kept in this browser by id, the same in every tab.
import { useSyncExternalStore } from "react";
import type { FilmRequest } from "../api/client.ts";
import { read, write } from "./theme.ts";

const KEY = "vigent.choices";
const VERSION = 1;
const WRITE_AFTER_MS = 300;

export const DEFAULT_GAIN_DB = -18;

/** What the film has where none is chosen. */
export const DEFAULT_STYLES = { caption_style: "classic", title_style: "headline" };

export type Choices = {
  request: FilmRequest;
  /** The music that was chosen last, for when music is turned on again. */
  track: string;
};

const DEFAULTS: Choices = {
  request: {
    script: "",
    title: "",
    footage: "",
    voice: "",
    speed: 1,
    pronunciations: [],
    music: null,
    music_gain_db: DEFAULT_GAIN_DB,
    caption_style: "",
    title_style: "",
    captions: "drawn",
    platform: "",
    width: 1080,
    height: 1920,
    quality: "standard",
    loudness: "online",
    ai_label: true,
  },
  track: "",
};

let choices = restored(read(KEY));
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

export function useChoices(): Choices {
  return useSyncExternalStore(subscribe, () => choices);
}

export function currentChoices(): Choices {
  return choices;
}

export function choose(change: Partial<FilmRequest>): void {
  const track = change.music || choices.track;
  put({ request: withScript(choices.request, change), track });
}

/** Another request; what was chosen for single sentences is left out when the script is another. */
export function withScript(request: FilmRequest, change: Partial<FilmRequest>): FilmRequest {
  const { segment_choices, ...others } = request;
  const kept = change.script === undefined || change.script === request.script ? segment_choices : undefined;
  return { ...others, ...(kept && { segment_choices: kept }), ...change };
}

/** Takes all settings of a film that was made; what this page does not know is kept. Returns how to undo it. */
export function adopt(request: FilmRequest): () => void {
  const before = choices;
  put({ request: { ...DEFAULTS.request, ...request }, track: request.music || choices.track });
  return () => put(before);
}

/** Everything as at first, but the script and its readings: that is work. Returns how to undo it. */
export function resetChoices(): () => void {
  const before = choices;
  const { script, title = "", pronunciations = [] } = choices.request;
  put({ ...DEFAULTS, request: { ...DEFAULTS.request, script, title, pronunciations } });
  return () => put(before);
}

export type Kept = { footage: string[]; voices: string[]; music: string[]; styles: string[] };
export type Dropped = "footage" | "voice" | "music" | "caption_style" | "title_style";

/** Forgets what is no longer in the libraries, and says what that was. */
export function dropMissing(kept: Kept): Dropped[] {
  const { request } = choices;
  const voice = (request.voice ?? "").split(":")[0]?.trim() ?? "";
  const missing: Dropped[] = [];
  if (request.footage && !kept.footage.includes(request.footage)) missing.push("footage");
  if (voice && !kept.voices.includes(voice)) missing.push("voice");
  if (request.music && !kept.music.includes(request.music)) missing.push("music");
  if (request.caption_style && !kept.styles.includes(request.caption_style)) missing.push("caption_style");
  if (request.title_style && !kept.styles.includes(request.title_style)) missing.push("title_style");
  if (missing.length > 0) {
    const none = Object.fromEntries(missing.map((field) => [field, field === "music" ? null : ""]));
    put({ request: { ...request, ...none }, track: missing.includes("music") ? "" : choices.track });
  }
  return missing;
}

function put(next: Choices): void {
  choices = next;
  for (const listener of [...listeners]) listener();
  clearTimeout(timer);
  timer = setTimeout(save, WRITE_AFTER_MS);
}

function save(): void {
  clearTimeout(timer);
  timer = undefined;
  write(KEY, JSON.stringify({ version: VERSION, ...choices }));
}

function restored(kept: string | null): Choices {
  try {
    const told = JSON.parse(kept ?? "null");
    if (told?.version !== VERSION || typeof told.request?.script !== "string") return DEFAULTS;
    return { request: { ...DEFAULTS.request, ...told.request }, track: String(told.track ?? "") };
  } catch {
    return DEFAULTS;
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

window.addEventListener("pagehide", () => timer && save());
window.addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  choices = restored(event.newValue);
  for (const listener of [...listeners]) listener();
});
