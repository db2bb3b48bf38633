// Times and sizes as people write them.

/** Seconds as 1:05. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** With the minus of type, which does not break from its number. */
export function decibels(value: number, digits: number): string {
  return value.toFixed(digits).replace("-", "−");
}

/** The name of a language. */
export function languageName(tag: string, language: string): string {
  return new Intl.DisplayNames([language], { type: "language" }).of(tag) ?? tag;
}

export function when(time: string, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** The part of a text between two offsets in code points, as the gateway counts. */
export function codePoints(text: string, start: number, end?: number): string {
  return Array.from(text).slice(start, end).join("");
}

/** A place in code points as JavaScript counts it. */
export function utf16Offset(text: string, codePoint: number): number {
  return codePoints(text, 0, codePoint).length;
}

/** The name in the language of the page. */
export function nameOf(entry: { name: string; names?: Record<string, string> }, language: string): string {
  return entry.names?.[language] ?? entry.name;
}
