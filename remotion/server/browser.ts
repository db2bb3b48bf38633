/** The browser of this server: opened and warmed, replaced when it dies or hangs. */

import { EventEmitter } from "node:events";
import { type Drawing, NOTHING } from "../src/drawing.js";
import { type Chromium, end, startChromium, versionOf } from "./chromium.js";
import { UnavailableError } from "./errors.js";
import { log } from "./log.js";
import { Page, PageError } from "./page.js";
import { Restarts } from "./restarts.js";
import { within } from "./within.js";

/** The browser died or was ended during a drawing, which the next one can make. */
export class BrowserLost extends Error {}

export type DeathReason = "crash" | "stall";

/** Emits "changed" when `ready` or `live` may have. */
export class Browser extends EventEmitter<{ changed: []; died: [DeathReason] }> {
  version = "";
  readonly #restarts = new Restarts();
  #page: Page | null = null;
  #opening: Promise<void> | null = null;
  #ending: DeathReason | null = null;
  #looking = false;
  readonly #closing = new AbortController();

  constructor(
    private readonly executable: string,
    private readonly bundle: string,
    private readonly loadBudgetS: number,
  ) {
    super();
  }

  get ready(): boolean {
    return this.#page !== null && this.#ending === null && !this.#closed;
  }

  /** Whether this process is worth keeping: no, when two browsers died in a row without a finished drawing. */
  get live(): boolean {
    return !this.#restarts.fruitless;
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Starts Chromium and its page, and draws nothing, which loads all that later drawings need. */
  async open(): Promise<void> {
    const chromium = await startChromium(this.executable);
    const late = `Chromium was not ready after ${this.loadBudgetS} s.`;
    try {
      const warm = this.#warmPage(chromium);
      this.#page = await within(this.loadBudgetS, warm, new UnavailableError(late, "Look at its own messages."));
    } catch (error) {
      await end(chromium);
      throw error;
    }
    this.#ending = null;
    this.emit("changed");
  }

  /** A drawing as PNG. Throws BrowserLost when the browser was lost; one is opened before that. */
  async draw(drawing: Drawing): Promise<Buffer> {
    const page = this.#page;
    try {
      if (!page) throw new Error("the browser is being replaced");
      const png = await page.draw(drawing);
      this.#restarts.unitFinished();
      return png;
    } catch (error) {
      if (error instanceof PageError) throw error;
      await this.#replace(page);
      throw new BrowserLost("the browser was lost", { cause: error });
    }
  }

  /** Asks whether the page lives, and replaces the browser when it has not answered within the budget. */
  async look(budgetS: number): Promise<void> {
    const page = this.#page;
    if (!page || !this.ready || this.#looking) return;
    this.#looking = true;
    const alive = await page.answers(budgetS);
    this.#looking = false;
    if (!alive) await this.#replace(page);
  }

  /** Ends the present browser, so that its drawings fail, and replaces it: the last drawing may just have been made. */
  async kill(reason: DeathReason): Promise<void> {
    const page = this.#page;
    if (this.#ending !== null || !page) return;
    this.#ending = reason;
    this.emit("changed");
    await end(page.chromium);
    await this.#replace(page);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#opening?.catch(() => undefined);
    if (this.#page) await end(this.#page.chromium);
    this.#page = null;
  }

  async #warmPage(chromium: Chromium): Promise<Page> {
    const page = await Page.open(chromium, this.bundle);
    await page.draw(NOTHING);
    this.version = await versionOf(chromium);
    return page;
  }

  /** Opens the browser that comes after `lost`, once, whoever asks. */
  async #replace(lost: Page | null): Promise<void> {
    if (lost && this.#page === lost && !this.#closed) {
      this.#page = null;
      this.#opening = this.#reopen(lost);
    }
    await this.#opening;
  }

  async #reopen(lost: Page): Promise<void> {
    const reason = this.#ending ?? "crash";
    log("ERROR", "browser", `Chromium was lost (${reason}); starting it again`);
    this.#restarts.died();
    this.emit("died", reason);
    this.emit("changed");
    await end(lost.chromium);
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
