import assert from "node:assert/strict";
import { test } from "node:test";
import { Restarts } from "../server/restarts.js";

test("hope ends when two browsers in a row die without a finished frame", () => {
  const restarts = new Restarts();
  restarts.died();
  assert.equal(restarts.fruitless, false);
  restarts.died();
  assert.equal(restarts.fruitless, true);
  restarts.unitFinished();
  assert.equal(restarts.fruitless, false);
});

test("a browser that had done its work does not count", () => {
  const restarts = new Restarts();
  restarts.unitFinished();
  restarts.died();
  restarts.died();
  assert.equal(restarts.fruitless, false);
});

test("pauses grow while nothing works, up to half a minute", () => {
  const restarts = new Restarts();
  const pauses = Array.from({ length: 9 }, () => {
    restarts.died();
    return restarts.pauseS;
  });
  assert.deepEqual(pauses, [0, 0.5, 1, 2, 4, 8, 16, 30, 30]);
});
