/** The studio in system Chromium over a real mesh, all of it in one life of both. */

import { after, before, suite } from "node:test";
import type { Browser } from "playwright-core";
import { accessTests } from "./access.js";
import { batchTests } from "./batch.js";
import { openBrowser } from "./browser.js";
import { faultTests } from "./faults.js";
import { filmTests } from "./films.js";
import { libraryTests } from "./library.js";
import { lookTests } from "./looks.js";
import { type Mesh, startMesh } from "./mesh.js";
import { publishTests } from "./publish.js";
import { recordingTests } from "./recording.js";
import { resumingTests } from "./resuming.js";
import { settingTests } from "./settings.js";
import { workTests } from "./works.js";

export type Studio = { browser: Browser; mesh: Mesh };

suite("studio", { timeout: 1_800_000 }, () => {
  const studio = {} as Studio;
  before(async () => {
    studio.mesh = await startMesh();
    studio.browser = await openBrowser();
  });
  after(async () => {
    await studio.browser?.close();
    await studio.mesh?.stop();
  });
  filmTests(studio);
  publishTests(studio);
  batchTests(studio);
  settingTests(studio);
  libraryTests(studio);
  lookTests(studio);
  resumingTests(studio);
  recordingTests(studio);
  faultTests(studio);
  workTests(studio);
  accessTests(studio);
});
