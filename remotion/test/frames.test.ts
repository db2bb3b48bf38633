import assert from "node:assert/strict";
import { test } from "node:test";
import { Admission } from "../server/admission.js";
import { CancelledError, ExhaustedError } from "../server/errors.js";
import { FrameQueue } from "../server/frames.js";

const frame = (index: number): Buffer => Buffer.from([index]);

test("frames are read in order, however they come", async () => {
  const queue = new FrameQueue(3, () => undefined);
  for (const index of [5, 3, 4]) void queue.put(index, frame(index));
  queue.end(null);
  const read: number[] = [];
  for await (const png of queue.read()) read.push(png[0] ?? -1);
  assert.deepEqual(read, [3, 4, 5]);
});

test("a page that is far ahead of the reader waits, and it is told", async () => {
  const told: boolean[] = [];
  const queue = new FrameQueue(0, (is) => told.push(is));
  const ahead = queue.put(8, frame(8));
  for (let index = 0; index < 8; index++) await queue.put(index, frame(index));
  assert.equal(told.at(0), true);
  const reader = queue.read();
  await reader.next();
  await ahead;
  assert.equal(told.at(-1), false);
});

test("an error ends the reading after the frames that came in order", async () => {
  const queue = new FrameQueue(0, () => undefined);
  void queue.put(0, frame(0));
  queue.end(new Error("lost"));
  const reader = queue.read();
  assert.equal((await reader.next()).value?.[0], 0);
  await assert.rejects(reader.next(), /lost/);
});

test("calls wait in order, the one too many is refused with a hint, one that leaves is forgotten", async () => {
  const refused: string[] = [];
  const admission = new Admission(1, 2, (reason) => refused.push(reason));
  const leaving = new AbortController();
  const stays = new AbortController().signal;
  const first = await admission.acquire(stays);
  const left = admission.acquire(leaving.signal);
  const second = admission.acquire(stays);
  await assert.rejects(admission.acquire(stays), (error) => {
    assert.ok(error instanceof ExhaustedError);
    assert.deepEqual([error.reason, error.retryAfterS], ["QUEUE_FULL", 3]);
    return true;
  });
  leaving.abort();
  await assert.rejects(left, CancelledError);
  admission.release(first);
  assert.equal((await second).queuePosition, 1);
  assert.deepEqual(refused, ["queue_full", "caller_left"]);
  assert.equal(admission.queueDepth, 0);
});
