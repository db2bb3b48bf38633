// Light or dark: as the system says until somebody chooses.
import { useSyncExternalStore } from "react";

export type Theme = "light" | "dark";

const KEY = "vigent.theme";
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function chosen(): Theme | null {
  const kept = read(KEY);
  return kept === "light" || kept === "dark" ? kept : null;
}

export function currentTheme(): Theme {
  return chosen() ?? (dark.matches ? "dark" : "light");
}

export function chooseTheme(theme: Theme): void {
  write(KEY, theme);
  applyTheme();
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = currentTheme();
  for (const listener of [...listeners]) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentTheme);
}

/** Browsers may refuse storage: then a choice lasts as long as the page. */
const memory = new Map<string, string>();

export function read(key: string): string | null {
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

export function write(key: string, value: string): void {
  memory.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // Full or refused: it is in memory.
  }
}

dark.addEventListener("change", applyTheme);
window.addEventListener("storage", (event) => event.key === KEY && applyTheme());
