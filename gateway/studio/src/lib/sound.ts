// One sound at a time: voices and music are heard through the same element, and a film that plays ends both.
import { useSyncExternalStore } from "react";
import { levellingDb } from "./loudness.ts";

type Sound = { id: string; state: "loading" | "playing" } | null;

let sound: Sound = null;
let gainDb = 0;
let device: { element: HTMLAudioElement; gain: GainNode; context: AudioContext } | undefined;
let asked = 0;
const listeners = new Set<() => void>();

/** Decibels from the sound's own level, or as loud as all that are levelled. */
export type Gain = number | "levelled";

/** Plays what `source` gives, instead of what is playing. Says `failed` when it cannot be had or played. */
export async function audition(id: string, source: () => Promise<string> | string, gain: Gain, failed: () => void) {
  stopSound();
  const mine = ++asked;
  set({ id, state: "loading" });
  try {
    const url = await source();
    const db = gain === "levelled" ? await levellingDb(url) : gain;
    if (mine !== asked) return;
    gainDb = db;
    const audio = player();
    audio.src = url;
    applyGain(0);
    await audio.play();
    if (mine === asked) set({ id, state: "playing" });
  } catch {
    if (mine !== asked) return;
    stopSound();
    failed();
  }
}

export function stopSound(): void {
  asked += 1;
  device?.element.pause();
  if (sound) set(null);
}

/** Acts at once on what is heard: decibels as the film's mix takes them. */
export function setGain(db: number): void {
  gainDb = db;
  applyGain(0.02);
}

export function useSound(): Sound {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => sound,
  );
}

function set(next: Sound): void {
  sound = next;
  for (const listener of [...listeners]) listener();
}

function player(): HTMLAudioElement {
  if (!device) {
    const element = new Audio();
    element.addEventListener("ended", stopSound);
    const context = new AudioContext();
    const gain = context.createGain();
    context.createMediaElementSource(element).connect(gain).connect(context.destination);
    device = { element, gain, context };
  }
  void device.context.resume();
  return device.element;
}

function applyGain(ramp_s: number): void {
  if (!device) return;
  const { gain, context } = device;
  gain.gain.setTargetAtTime(10 ** (gainDb / 20), context.currentTime, Math.max(0.001, ramp_s / 3));
}
