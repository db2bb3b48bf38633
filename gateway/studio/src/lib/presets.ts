// Named settings of films, without what is said in them: kept in this browser, and shared as JSON files.
import { useSyncExternalStore } from "react";
import type { FilmRequest } from "../api/client.ts";
import { adopt, currentChoices } from "./choices.ts";
import { read, write } from "./theme.ts";

const KEY = "vigent.presets";
const KIND = "vigent.preset";
const VERSION = 1;
const MOST = 100;

export type Preset = { name: string; settings: Partial<FilmRequest> };

let presets = restored(read(KEY));
const listeners = new Set<() => void>();

export function usePresets(): Preset[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => presets,
  );
}

/** Keeps the settings of now under a name, in place of those that had it. */
export function keepPreset(name: string): void {
  const { script: _, title: __, segment_choices: ___, ...settings } = currentChoices().request;
  put({ name, settings });
}

export function removePreset(name: string): () => void {
  const before = presets;
  set(presets.filter((preset) => preset.name !== name));
  return () => set(before);
}

/** Takes the settings; script and title stay. Returns how to undo it. */
export function applyPreset(preset: Preset): () => void {
  const { script, title = "" } = currentChoices().request;
  return adopt({ ...preset.settings, script, title });
}

export function presetFile(preset: Preset): Blob {
  return new Blob([JSON.stringify({ kind: KIND, version: VERSION, ...preset }, null, 1)], { type: "application/json" });
}

/** Keeps the preset of a file. Throws for one that is none. */
export function takePresetFile(text: string): Preset {
  const told: unknown = JSON.parse(text);
  if (!isFile(told)) throw new Error("This is no preset.");
  // Only what the settings of this page have: a file may come from anywhere.
  const known = Object.keys(currentChoices().request);
  const settings = Object.fromEntries(
    Object.entries(told.settings).filter(([field]) => known.includes(field) && field !== "script" && field !== "title"),
  );
  const preset = { name: told.name.slice(0, 60), settings };
  put(preset);
  return preset;
}

function isFile(told: unknown): told is Preset & { kind: string; version: number } {
  if (typeof told !== "object" || told === null) return false;
  const file = told as Record<string, unknown>;
  return (
    file.kind === KIND &&
    file.version === VERSION &&
    typeof file.name === "string" &&
    file.name.trim() !== "" &&
    typeof file.settings === "object" &&
    file.settings !== null
  );
}

function put(preset: Preset): void {
  set([...presets.filter((kept) => kept.name !== preset.name), preset].slice(-MOST));
}

function set(next: Preset[]): void {
  presets = next;
  write(KEY, JSON.stringify(next));
  for (const listener of [...listeners]) listener();
}

function restored(kept: string | null): Preset[] {
  try {
    const told: unknown = JSON.parse(kept ?? "[]");
    if (!Array.isArray(told)) return [];
    return told.filter((each) => typeof each?.name === "string" && typeof each?.settings === "object");
  } catch {
    return [];
  }
}

window.addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  presets = restored(event.newValue);
  for (const listener of [...listeners]) listener();
});
