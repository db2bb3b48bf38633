/** The page against Remotion itself: when a new version of Remotion works otherwise, these tests fail. */

import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { renderStill, selectComposition } from "@remotion/renderer";
import { drafts, placeBlock } from "../child/blocks.js";
import { ensureBundle } from "../child/bundle.js";
import { type Chromium, ChromiumFault, end, startChromium } from "../child/chromium.js";
import { Page, PageError, PageLost } from "../child/page.js";
import { decoded } from "../child/raster.js";
import { type Drawing, NOTHING } from "../src/drawing.js";
import { lookAt } from "../src/look.js";
import { chromiumPath, enterScratchFolder } from "./chromium.js";
import { captionSpec } from "./fixtures.js";

let chromium: Chromium;
let bundle: string;

before(async () => {
  enterScratchFolder();
  bundle = await ensureBundle();
  chromium = await startChromium(chromiumPath());
});

after(() => end(chromium));

function drawing(styleId: string, text: string, frame: number): Drawing {
  const words = [{ charStart: 0, charEnd: 1, firstFilmFrame: 10 }];
  const spec = captionSpec(styleId, [{ text, words }]);
  const [draft] = drafts(spec);
  const { block } = placeBlock(draft ?? assert.fail(), spec);
  const [left, top, right, bottom] = block.extent;
  const id = `${styleId} ${text} ${frame}`;
  return { id, width: right - left, height: bottom - top, block, look: lookAt(block, frame) };
}

/** As Remotion's own `renderStill` has it. */
async function still(inputProps: Drawing): Promise<Buffer> {
  const common = { serveUrl: bundle, inputProps, puppeteerInstance: chromium, logLevel: "error" } as const;
  const composition = await selectComposition({ ...common, id: "Overlay" });
  const { buffer } = await renderStill({ ...common, composition, chromeMode: "chrome-for-testing" });
  return buffer ?? assert.fail();
}

const DRAWINGS = [drawing("karaoke", "逐字点亮", 12), drawing("pill", "好", 12), drawing("spotlight", "大", 1)];

test("a page that stays open draws what renderStill draws, to the bit, however often it has drawn", async () => {
  const page = await Page.open(chromium, bundle);
  const stills = await Promise.all(DRAWINGS.map(still));
  for (const round of ["first", "second"])
    for (const [index, each] of DRAWINGS.entries()) {
      const [ours, theirs] = [await page.draw(each), stills[index] ?? assert.fail()].map((png) => decoded(png, 0, 0));
      assert.deepEqual([ours?.width, ours?.height], [each.width, each.height]);
      assert.ok(theirs && ours?.data.equals(theirs.data), `${each.id}, ${round} time`);
    }
});

test("drawings that are asked for at once wait for each other and are not mixed up", async () => {
  const page = await Page.open(chromium, bundle);
  const alone: Buffer[] = [];
  for (const each of DRAWINGS) alone.push(await page.draw(each));
  const many = [...DRAWINGS, NOTHING, ...DRAWINGS];
  const pngs = await Promise.all(many.map((each) => page.draw(each)));
  for (const [index, each] of DRAWINGS.entries()) {
    assert.ok(pngs[index]?.equals(alone[index] ?? assert.fail()), each.id);
    assert.ok(pngs[index + 4]?.equals(alone[index] ?? assert.fail()), each.id);
  }
});

test("a drawing that the page cannot draw harms no other one", async () => {
  const page = await Page.open(chromium, bundle);
  const [good] = DRAWINGS;
  const before = await page.draw(good ?? assert.fail());
  const broken = { ...NOTHING, id: "broken", block: { extent: [0, 0, 16, 16] } } as unknown as Drawing;
  const [failed, next] = await Promise.allSettled([page.draw(broken), page.draw(good ?? assert.fail())]);
  assert.ok(failed.status === "rejected" && failed.reason instanceof PageError, String(failed));
  assert.match(failed.reason.message, /TypeError/);
  assert.ok(next.status === "fulfilled" && next.value.equals(before));
});

test("a page whose browser was ended is lost for every drawing", async () => {
  const other = await startChromium(chromiumPath());
  const page = await Page.open(other, bundle);
  assert.equal(await page.answers(60), true);
  await end(other);
  await assert.rejects(page.draw(NOTHING), PageLost);
  assert.equal(await page.answers(60), false);
});

test("what is no Chromium is told by its last words", async () => {
  const script = join(mkdtempSync(join(tmpdir(), "vigent-")), "chromium");
  writeFileSync(script, "#!/bin/sh\necho first >&2\necho a library is missing >&2\nexit 127\n", { mode: 0o755 });
  await assert.rejects(startChromium(script), (error) => {
    assert.ok(error instanceof ChromiumFault);
    assert.equal(error.message, "a library is missing");
    return true;
  });
});
