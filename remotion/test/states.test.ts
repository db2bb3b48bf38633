import assert from "node:assert/strict";
import { test } from "node:test";
import { timesOf } from "../src/animation.js";
import { begun, states } from "../src/states.js";
import { fixture, settingOf } from "./fixtures.js";

interface Expected {
  readonly style: string;
  readonly start: number;
  readonly frames: number;
  readonly words: number[];
  readonly spans: [number, number][];
}

for (const expected of fixture<Expected>("states")) {
  test(`${expected.style} has the pictures that Python has from frame ${expected.start} on`, () => {
    const { style } = settingOf("subtitle", expected.style);
    const { start, frames, words } = expected;
    const spans = states(style, timesOf(style, 5, 60, 25), words, start, start + frames);
    assert.deepEqual(
      spans.map(({ first, end }) => [first, end]),
      expected.spans,
    );
  });
}

test("a block outside of the stretch has no picture", () => {
  const { style } = settingOf("subtitle", "karaoke");
  assert.deepEqual(states(style, timesOf(style, 5, 60, 25), [10], 65, 100), []);
});

test("words are begun in the order in which they are spoken", () => {
  const words = [{ firstFilmFrame: 9 }, { firstFilmFrame: 4 }, { firstFilmFrame: 20 }];
  assert.deepEqual(begun(words, 9), [{ firstFilmFrame: 4 }, { firstFilmFrame: 9 }]);
});
