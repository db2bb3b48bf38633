/** The browser of this server: opened and warmed, replaced when it dies or hangs. */

import { EventEmitter } from "node:events";
import { makeCancelSignal, renderFrames } from "@remotion/renderer";
import type { Sheet } from "../src/Overlay.js";
import { answers, type Chromium, end, gone, startChromium, versionOf } from "./chromium.js";
import { UnavailableError } from "./errors.js";
import { log } from "./log.js";
import { Restarts } from "./restarts.js";

/** The browser died or was ended during a rendering; what it had not drawn can be drawn by the next one. */
export class BrowserLost extends Error {}

export type DeathReason = "crash" | "stall";

/** Frames of a sheet to render, where they go, and what stops it. */
export interface SheetRun {
  readonly sheet: Sheet;
  readonly from: number;
  readonly onFrame: (index: number, png: Buffer) => Promise<void>;
  readonly stop: AbortSignal;
}

const WARM_UP: Sheet = { width: 16, height: 16, blocks: [], drawings: [] };
const HEARTBEAT_S = 2;
const FRAME_TIMEOUT_MS = 120_000;

/** Emits "changed" when `ready` or `live` may have. */
export class Browser extends EventEmitter<{ changed: []; died: [DeathReason] }> {
  version = "";
  readonly #restarts = new Restarts();
  #chromium: Chromium | null = null;
  #gone: Promise<never> = NEVER_GONE;
  #opening: Promise<void> | null = null;
  #ending: DeathReason | null = null;
  #running = 0;
  readonly #closing = new AbortController();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly executable: string,
    private readonly bundle: string,
  ) {
    super();
  }

  get ready(): boolean {
    return this.#chromium !== null && this.#ending === null && !this.#closed;
  }

  /** Whether this process is worth keeping: no, when two browsers died in a row without a finished frame. */
  get live(): boolean {
    return !this.#restarts.fruitless;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Starts Chromium and draws a first frame, which loads all that later ones need. */
  async open(): Promise<void> {
    const chromium = await startChromium(this.executable);
    this.#chromium = chromium;
    this.#gone = gone(chromium);
    this.version = await versionOf(chromium);
    await this.#rendered(chromium, { sheet: WARM_UP, from: 0, onFrame: async () => undefined, stop: NEVER });
    this.#ending = null;
    this.#heartbeat ??= setInterval(() => void this.#look(), HEARTBEAT_S * 1000).unref();
    this.emit("changed");
  }

  /** Renders frames `from` on. Throws BrowserLost when the browser was lost; one is opened before that. */
  async render(run: SheetRun): Promise<void> {
    const chromium = this.#chromium;
    if (!chromium || !this.ready)
      throw new UnavailableError("The browser is being replaced.", "Try again.", { retryAfterS: 1 });
    this.#running += 1;
    try {
      await this.#rendered(chromium, { ...run, onFrame: (index, png) => this.#finished(run, index, png) });
    } catch (error) {
      if (run.stop.aborted || (await answers(chromium))) throw error;
      await this.#replace(chromium);
      throw new BrowserLost("the browser was lost", { cause: error });
    } finally {
      this.#running -= 1;
    }
  }

  /** Ends the present browser, so that its renderings fail and it is replaced. */
  async kill(reason: DeathReason): Promise<void> {
    if (this.#ending !== null || !this.#chromium) return;
    this.#ending = reason;
    this.emit("changed");
    await end(this.#chromium);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#heartbeat);
    await this.#opening?.catch(() => undefined);
    if (this.#chromium) await end(this.#chromium);
    this.#chromium = null;
  }

  async #finished({ onFrame }: SheetRun, index: number, png: Buffer): Promise<void> {
    this.#restarts.unitFinished();
    await onFrame(index, png);
  }

  async #rendered(chromium: Chromium, { sheet, from, onFrame, stop }: SheetRun): Promise<void> {
    const { cancelSignal, cancel } = makeCancelSignal();
    stop.addEventListener("abort", cancel, { once: true });
    const count = Math.max(1, sheet.drawings.length);
    try {
      const rendering = renderFrames({
        composition: {
          ...COMPOSITION,
          width: sheet.width,
          height: sheet.height,
          durationInFrames: count,
          props: sheet,
        },
        frameRange: [from, count - 1],
        inputProps: {},
        serveUrl: this.bundle,
        puppeteerInstance: chromium,
        browserExecutable: NO_BROWSER_OF_ITS_OWN,
        chromeMode: "chrome-for-testing",
        concurrency: count - from > FRAMES_FOR_TWO_PAGES ? 2 : 1,
        imageFormat: "png",
        muted: true,
        outputDir: null,
        cancelSignal,
        timeoutInMilliseconds: FRAME_TIMEOUT_MS,
        logLevel: "error",
        onStart: () => undefined,
        onFrameUpdate: () => undefined,
        onFrameBuffer: (png, index) => onFrame(index, png),
      });
      await Promise.race([rendering, this.#gone]);
    } finally {
      stop.removeEventListener("abort", cancel);
    }
  }

  /** Asks an idle browser whether it lives; a busy one is watched by its calls. */
  async #look(): Promise<void> {
    const chromium = this.#chromium;
    if (!chromium || this.#running > 0 || !this.ready || (await answers(chromium))) return;
    if (this.#running === 0) await this.#replace(chromium).catch(() => undefined);
  }

  /** Opens the browser that comes after `lost`, once, whoever asks. */
  async #replace(lost: Chromium): Promise<void> {
    if (this.#chromium === lost && !this.#closed) {
      this.#chromium = null;
      this.#opening = this.#reopen(lost);
    }
    await this.#opening;
  }

  async #reopen(lost: Chromium): Promise<void> {
    const reason = this.#ending ?? "crash";
    log("ERROR", "browser", `Chromium was lost (${reason}); starting it again`);
    this.#restarts.died();
    this.emit("died", reason);
    this.emit("changed");
    await end(lost);
    for (;;) {
      await this.#restarts.pause(this.#closing.signal);
      if (this.#closed) return;
      try {
        await this.open();
        return;
      } catch (error) {
        log("ERROR", "browser", `Chromium did not start: ${String(error)}`);
        this.#restarts.died();
        this.emit("changed");
      }
    }
  }
}

/** Remotion would start a browser by itself, not as we do, when it loses one; this one ends at once. */
const NO_BROWSER_OF_ITS_OWN = "/bin/false";
/** A second page costs as much to open as these frames to draw. */
const FRAMES_FOR_TWO_PAGES = 48;
const NEVER = new AbortController().signal;
const NEVER_GONE = new Promise<never>(() => undefined);
const COMPOSITION = {
  id: "Overlay",
  fps: 25,
  defaultProps: {},
  defaultCodec: null,
  defaultOutName: null,
  defaultVideoImageFormat: null,
  defaultPixelFormat: null,
  defaultProResProfile: null,
  defaultSampleRate: null,
} as const;
