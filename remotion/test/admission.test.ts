import assert from "node:assert/strict";
import { test } from "node:test";
import { Admission } from "../server/admission.js";
import { CancelledError, ExhaustedError } from "../server/errors.js";

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
