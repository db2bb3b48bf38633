/** The page against Remotion itself: when a new version of Remotion works otherwise, these tests fail. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { renderStill, selectComposition } from "@remotion/renderer";
import { drafts, placeBlock } from "../server/blocks.js";
import { ensureBundle } from "../server/bundle.js";
import { type Chromium, end, findChromium, startChromium } from "../server/chromium.js";
import { Page, PageError } from "../server/page.js";
import { decoded } from "../server/raster.js";
import { enterScratchFolder } from "../server/scratch.js";
import { loadStyle } from "../server/styles.js";
import { type Drawing, NOTHING } from "../src/drawing.js";
import { lookAt } from "../src/look.js";

let chromium: Chromium;
let bundle: string;

before(async () => {
  enterScratchFolder();
  bundle = await ensureBundle();
  chromium = await startChromium(findChromium(process.env.VIGENT_OVERLAY_CHROMIUM ?? ""));
});

after(() => end(chromium));

function drawing(styleId: string, text: string, frame: number): Drawing {
  const words = [{ charStart: 0, charEnd: 1, firstFilmFrame: 10, endFilmFrame: 20 }];
  const captions = { cues: [{ firstFilmFrame: 0, frames: 50, lines: [{ text, words }] }], title: null, labels: [] };
  const canvas = { width: 1080, height: 1920, frameRateHz: 25, firstFilmFrame: 0, frames: 50 };
  const [draft] = drafts({ ...canvas, ...captions, captionStyle: loadStyle("subtitle", styleId) });
  const { block } = placeBlock(draft ?? assert.fail(), canvas.width, canvas.height);
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
