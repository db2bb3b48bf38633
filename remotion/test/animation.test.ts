import assert from "node:assert/strict";
import { test } from "node:test";
import { animatedFrames, pose, poseAt, RESTING, timesOf } from "../src/animation.js";
import { roundHalfEven } from "../src/rounding.js";
import type { Animation } from "../src/style.js";
import { fixture, settingOf } from "./fixtures.js";

interface Expected {
  readonly kind: Animation["kind"];
  readonly frames: number;
  readonly rate_hz: number;
  readonly most: number;
  readonly lasts: number;
  readonly done: number;
  readonly opacity: number;
  readonly scale: number;
  readonly below_px: number;
}

test("blocks come and go as in Python", () => {
  for (const expected of fixture<Expected>("animation")) {
    const { kind, frames, rate_hz, most, lasts, done } = expected;
    assert.equal(animatedFrames({ kind, frames }, rate_hz, most), lasts);
    const { opacity, scale, belowPx } = pose(kind, done, 57.5);
    for (const [actual, wanted] of [
      [opacity, expected.opacity],
      [scale, expected.scale],
      [belowPx, expected.below_px],
    ] as const) {
      assert.ok(Math.abs(actual - wanted) < 1e-9, `${kind} at ${done}: ${actual} is not ${wanted}`);
    }
  }
});

test("a block rests between its entrance and its exit", () => {
  const { style } = settingOf("title", "headline");
  const times = timesOf(style, 10, 50, 25);
  assert.deepEqual(times, { first: 10, entered: 18, leaving: 54, end: 60 });
  assert.deepEqual(poseAt(style, times, 50, 18), RESTING);
  assert.deepEqual(poseAt(style, times, 50, 53), RESTING);
  assert.ok(poseAt(style, times, 50, 10).scale < 1);
  assert.ok(poseAt(style, times, 50, 59).opacity < 1);
});

test("halves are rounded to the even number, as Python does", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven), [0, 2, 2, 0, -2, 2, 3]);
});
