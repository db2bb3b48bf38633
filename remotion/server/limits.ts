/** What can be drawn: sizes, frame numbers, the order of cues and words, texts; as in services/overlay/limits.py. */

import { InvalidInputError } from "./errors.js";
import type { Cue, CueLine, Label, OverlaySpec, Title } from "./spec.js";

const MIN_SIDE_PX = 16;
const MAX_SIDE_PX = 8192;
const MAX_FRAME_RATE_HZ = 120;
const MAX_FRAMES = 2 ** 40;
const MAX_CUES = 5_000;
const MAX_LINES = 8;
const MAX_WORDS = 200;
const MAX_LABELS = 8;
const MAX_LINE_CHARACTERS = 500;
const MAX_HEIGHT_SHARE = 0.3;

/** Throws InvalidInputError naming the field of the request that cannot be drawn; styles are checked already. */
export function checkSpec(spec: OverlaySpec): void {
  side("width", spec.width);
  side("height", spec.height);
  within("frame_rate_hz", spec.frameRateHz, 1, MAX_FRAME_RATE_HZ);
  span("", spec);
  atMost("cues", spec.cues, MAX_CUES);
  atMost("labels", spec.labels, MAX_LABELS);
  for (const [index, cue] of spec.cues.entries()) checkCue(`cues[${index}]`, cue);
  inOrder(spec.cues);
  for (const [index, label] of spec.labels.entries()) checkLabel(`labels[${index}]`, label);
  if (spec.title) checkTitle(spec.title);
}

function checkCue(field: string, cue: Cue): void {
  span(`${field}.`, cue);
  some(`${field}.lines`, cue.lines);
  for (const [index, line] of cue.lines.entries()) checkLine(`${field}.lines[${index}]`, line);
}

function checkLine(field: string, line: CueLine): void {
  checkText(`${field}.text`, line.text);
  atMost(`${field}.words`, line.words, MAX_WORDS);
  const length = Array.from(line.text).length;
  let [char, frame] = [0, 0];
  for (const [index, word] of line.words.entries()) {
    const place = `${field}.words[${index}]`;
    within(`${place}.char_start`, word.charStart, char, length - 1);
    within(`${place}.char_end`, word.charEnd, word.charStart + 1, length);
    within(`${place}.first_film_frame`, word.firstFilmFrame, frame, MAX_FRAMES);
    within(`${place}.end_film_frame`, word.endFilmFrame, word.firstFilmFrame, MAX_FRAMES);
    [char, frame] = [word.charEnd, word.firstFilmFrame];
  }
}

function checkTitle(title: Title): void {
  span("title.", title);
  some("title.lines", title.lines);
  for (const [index, line] of title.lines.entries()) checkText(`title.lines[${index}]`, line);
}

function checkLabel(field: string, label: Label): void {
  span(`${field}.`, label);
  checkText(`${field}.text`, label.text);
  if (!(label.heightShare > 0 && label.heightShare <= MAX_HEIGHT_SHARE)) {
    throw new InvalidInputError(
      `A label cannot be ${label.heightShare} of the canvas high.`,
      `Give more than 0 and at most ${MAX_HEIGHT_SHARE}.`,
      { field: `${field}.height_share` },
    );
  }
}

function inOrder(cues: readonly Cue[]): void {
  let end = 0;
  for (const [index, cue] of cues.entries()) {
    if (cue.firstFilmFrame < end) {
      throw new InvalidInputError(
        `The cue starts at film frame ${cue.firstFilmFrame}, before the one before it ends (${end}).`,
        "Give cues in order that do not overlap.",
        { field: `cues[${index}]`, reason: "CUES_OVERLAP" },
      );
    }
    end = cue.firstFilmFrame + cue.frames;
  }
}

function span(prefix: string, { firstFilmFrame, frames }: { firstFilmFrame: number; frames: number }): void {
  within(`${prefix}first_film_frame`, firstFilmFrame, 0, MAX_FRAMES);
  within(`${prefix}frames`, frames, 1, MAX_FRAMES);
}

function checkText(field: string, text: string): void {
  const characters = Array.from(text);
  if (characters.length > MAX_LINE_CHARACTERS) {
    const problem = `The line has ${grouped(characters.length)} characters, the limit is ${MAX_LINE_CHARACTERS}.`;
    throw new InvalidInputError(problem, "Break it into several lines.", { field, reason: "TEXT_TOO_LONG" });
  }
  if (/[\n\t]/.test(text)) {
    throw new InvalidInputError("A line has a line break or a tab in it.", "Give one entry a line.", { field });
  }
  if (text.trim() === "") {
    throw new InvalidInputError("The text is empty.", "Write words.", { field, reason: "NOTHING_TO_SAY" });
  }
  const offset = characters.findIndex((character) => /\p{Cc}/u.test(character) && character !== "\r");
  if (offset < 0) return;
  const code = (characters[offset]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  const problem = `Character ${offset} is the control character U+${code}.`;
  throw new InvalidInputError(problem, "Take it out.", { field, reason: "NOT_PLAIN_TEXT" });
}

function side(field: string, pixels: number): void {
  if (pixels >= MIN_SIDE_PX && pixels <= MAX_SIDE_PX && pixels % 2 === 0) return;
  const remedy = `Give an even number from ${MIN_SIDE_PX} to ${MAX_SIDE_PX}.`;
  throw new InvalidInputError(`A canvas cannot have ${pixels} pixels.`, remedy, { field });
}

function within(field: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw new InvalidInputError(`${value} is out of range.`, `Give ${least} to ${most}.`, { field });
}

function atMost(field: string, items: readonly unknown[], most: number): void {
  if (items.length <= most) return;
  const problem = `There are ${grouped(items.length)} entries, the limit is ${grouped(most)}.`;
  throw new InvalidInputError(problem, "Send fewer.", { field });
}

function some(field: string, lines: readonly unknown[]): void {
  if (lines.length === 0) throw new InvalidInputError("There is no line.", "Give at least one.", { field });
  atMost(field, lines, MAX_LINES);
}

function grouped(value: number): string {
  return value.toLocaleString("en-US");
}
