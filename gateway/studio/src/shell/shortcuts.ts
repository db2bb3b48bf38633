// What keys do. Those without Ctrl act only where nothing is being typed, and can be turned off.
import { useEffect, useRef } from "react";
import { read, write } from "../lib/theme.ts";

const KEY = "vigent.single-keys";

type Shortcut = { key: string; shown: string; ctrl?: boolean };

export const SHORTCUTS = {
  make: { key: "Enter", shown: "Ctrl + Enter", ctrl: true },
  palette: { key: "k", shown: "Ctrl + K", ctrl: true },
  help: { key: "?", shown: "?" },
  create: { key: "1", shown: "1" },
  works: { key: "2", shown: "2" },
  publish: { key: "3", shown: "3" },
  library: { key: "4", shown: "4" },
  mesh: { key: "5", shown: "5" },
  play: { key: "k", shown: "K" },
  back: { key: "j", shown: "J" },
  forward: { key: "l", shown: "L" },
  previousFrame: { key: ",", shown: "," },
  nextFrame: { key: ".", shown: "." },
} satisfies Record<string, Shortcut>;

export type ShortcutName = keyof typeof SHORTCUTS;

export const singleKeysOn = () => read(KEY) !== "off";
export const turnSingleKeys = (on: boolean) => write(KEY, on ? "on" : "off");

export function useShortcut(name: ShortcutName, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!means(SHORTCUTS[name], event)) return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [name]);
}

function means(shortcut: Shortcut, event: KeyboardEvent): boolean {
  if (event.key !== shortcut.key || event.altKey || event.defaultPrevented) return false;
  if (shortcut.ctrl) return event.ctrlKey || event.metaKey;
  return !event.ctrlKey && !event.metaKey && singleKeysOn() && !isTyping(event.target);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, dialog[open]") !== null;
}
