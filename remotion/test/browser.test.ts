/** A browser that is ended by us, in the moment in which nobody waits for a drawing of it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Browser } from "../server/browser.js";
import { ensureBundle } from "../server/bundle.js";
import { findChromium } from "../server/chromium.js";
import { enterScratchFolder } from "../server/scratch.js";
import { NOTHING } from "../src/drawing.js";

test("a browser that is ended just when it made its last drawing is replaced all the same", async () => {
  enterScratchFolder();
  const executable = findChromium(process.env.VIGENT_OVERLAY_CHROMIUM ?? "");
  const browser = new Browser(executable, await ensureBundle(), 60);
  try {
    await browser.open();
    await browser.draw(NOTHING);
    const died = once(browser, "died");
    await browser.kill("stall");
    assert.ok(browser.ready);
    assert.deepEqual(await died, ["stall"]);
    await browser.draw(NOTHING);
  } finally {
    await browser.close();
  }
});
