/**
 * The page of Remotion's bundle that stays open: it draws one still of the composition `Overlay` after the other.
 *
 * `renderStill` and `renderFrames` open a page for every call, which costs a second of processor time: a process of
 * Chromium, and the bundle to load. So this does itself what they do in their page, through these internals of
 * @remotion/renderer 4.0.529: `newPage` and `_client` of the browser, the variables of `setPropsAndEnv`, `setBundleMode` of
 * `makePage`, `remotion_renderReady` of `seekToFrame`, and the transparent ground of `screenshotTask`. All packages of
 * Remotion are pinned to that version; test/page.test.ts tells when another one draws otherwise.
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { BundleCompositionState } from "remotion";
import type { Drawing } from "../src/drawing.js";
import type { Chromium } from "./chromium.js";
import { within } from "./within.js";

/** The page cannot draw this drawing, but others. */
export class PageError extends Error {}

/** Page or browser died, or were ended: nothing can be drawn any more. */
export class PageLost extends Error {}

type Tab = Awaited<ReturnType<Chromium["newPage"]>>;

const LOAD_TIMEOUT_MS = 60_000;

export class Page {
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  private constructor(
    private readonly tab: Tab,
    private readonly url: string,
  ) {}

  /** A page of the bundle in this folder. */
  static async open(chromium: Chromium, bundle: string): Promise<Page> {
    const tab = await chromium.newPage({
      context: () => null,
      logLevel: "error",
      indent: false,
      pageIndex: 0,
      onBrowserLog: null,
      onLog: () => undefined,
    });
    // A crashed page would leave commands without an answer, a closed one lets them fail.
    tab.on("error", () => void tab.close().catch(() => undefined));
    await tab.evaluateOnNewDocument(prepare);
    await tab._client().send("Emulation.setDefaultBackgroundColorOverride", { color: { r: 0, g: 0, b: 0, a: 0 } });
    const page = new Page(tab, pathToFileURL(join(bundle, "index.html")).href);
    await page.#load();
    return page;
  }

  /** Whether it answers in time. */
  answers(budgetS: number): Promise<boolean> {
    return within(budgetS, this.tab.evaluate("1"), new Error("no answer")).then(
      () => true,
      () => false,
    );
  }

  /** Whether nothing is being drawn. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** A drawing as PNG; drawings wait for each other. Throws PageError or PageLost. */
  async draw(drawing: Drawing): Promise<Buffer> {
    const drawn = this.#turn.then(() => this.#drawn(drawing));
    this.#turn = drawn.catch(() => undefined);
    this.#waiting += 1;
    try {
      return await drawn;
    } catch (error) {
      throw error instanceof PageError ? error : new PageLost("page or browser are lost", { cause: error });
    } finally {
      this.#waiting -= 1;
    }
  }

  async #drawn(drawing: Drawing): Promise<Buffer> {
    await this.tab.setViewport({ width: drawing.width, height: drawing.height, deviceScaleFactor: 1 });
    const fault = await this.tab.evaluate(show, stateOf(drawing), drawing.id);
    if (fault !== "") {
      await this.#load(); // nothing of it stays
      throw new PageError(fault);
    }
    const shot = await this.tab._client().send("Page.captureScreenshot", { format: "png", optimizeForSpeed: true });
    return Buffer.from(shot.value.data, "base64");
  }

  async #load(): Promise<void> {
    await this.tab.goto({ url: this.url, timeout: LOAD_TIMEOUT_MS });
  }
}

/** In the page, before the bundle runs: it is rendered, not looked at. */
function prepare(): void {
  const rendering = { remotion_puppeteerTimeout: 120_000, process: { env: { NODE_ENV: "production" } } };
  Object.assign(window, rendering, { remotion_inputProps: "{}", remotion_logLevel: "error" });
}

/** In the page: shows a still and returns when it stands, with what went wrong or "". */
function show(state: BundleCompositionState, id: string): Promise<string> {
  return new Promise((resolve) => {
    window.onerror = (message) => resolve(String(message));
    document.body.style.background = "transparent";
    window.remotion_setBundleMode(state);
    const look = (): void => {
      if (window.remotion_cancelledError !== undefined) resolve(window.remotion_cancelledError);
      else if (window.remotion_renderReady && document.getElementById(id)) resolve("");
      else requestAnimationFrame(look);
    };
    look();
  });
}

function stateOf(drawing: Drawing): BundleCompositionState {
  return {
    type: "composition",
    compositionName: "Overlay",
    serializedResolvedPropsWithSchema: JSON.stringify(drawing),
    compositionWidth: drawing.width,
    compositionHeight: drawing.height,
    compositionFps: 1,
    compositionDurationInFrames: 1,
    compositionDefaultCodec: "h264",
    compositionDefaultOutName: null,
    compositionDefaultVideoImageFormat: null,
    compositionDefaultPixelFormat: null,
    compositionDefaultProResProfile: null,
    compositionDefaultSampleRate: null,
  };
}
