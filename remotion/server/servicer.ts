/** vigent.overlay.v1.OverlayService: checked requests in, pictures out. */

import { hostname } from "node:os";
import type { ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Admission, Slot } from "./admission.js";
import type { Browser } from "./browser.js";
import { StreamingCall } from "./call.js";
import { InvalidInputError, UnavailableError } from "./errors.js";
import type { Metrics } from "./metrics.js";
import { Progress } from "./progress.js";
import { Rendering } from "./renderer.js";
import { overlaySpec, type RenderRequest } from "./request.js";
import type { Settings } from "./settings.js";
import type { OverlaySpec } from "./spec.js";

export const RENDERER = "remotion";
/** What the message decoder leaves of a request that is none. */
export const MALFORMED = Symbol("malformed");

const METHOD = "Render";
const RETRY_AFTER_S = 1;
const SERVER = `${hostname()}:${process.pid}`;

type Call = StreamingCall<RenderRequest | typeof MALFORMED, object>;

export class OverlayServicer {
  /** Progress records of the calls that are worked on. */
  readonly active = new Set<Progress>();
  draining = false;
  /** Whether further calls are turned away; those that run go on. */
  refusing = false;
  readonly #serving = new Set<Promise<void>>();

  constructor(
    private readonly settings: Settings,
    private readonly browser: Browser,
    private readonly admission: Admission,
    private readonly metrics: Metrics,
  ) {}

  readonly implementation: UntypedServiceImplementation = {
    Render: (stream: ServerWritableStream<RenderRequest | typeof MALFORMED, object>) => {
      const call = new StreamingCall(stream, this.settings.callerBudgetS);
      const serving = call.serve(METHOD, this.metrics, () => this.#render(call));
      this.#serving.add(serving);
      void serving.finally(() => this.#serving.delete(serving));
    },
  };

  /** Resolves when no call runs or waits. */
  async ended(): Promise<void> {
    while (this.#serving.size > 0) await Promise.allSettled(this.#serving);
  }

  /** Writes accepted, then progress and pictures, then done. */
  async #render(call: Call): Promise<void> {
    if (call.request === MALFORMED) {
      throw new InvalidInputError(
        "The message cannot be decoded.",
        "Send the protobuf message that the method takes.",
        {
          reason: "MALFORMED",
        },
      );
    }
    const spec = overlaySpec(call.request);
    const slot = await this.#admit(call);
    try {
      await call.write({ accepted: { server: SERVER, engine: RENDERER, queuePosition: slot.queuePosition } });
      await this.#draw(call, spec);
    } finally {
      this.admission.release(slot);
    }
  }

  async #admit(call: Call): Promise<Slot> {
    if (this.refusing) {
      throw new UnavailableError("The server is ending.", "Try again, perhaps on another replica.", {
        reason: "DRAINING",
        retryAfterS: RETRY_AFTER_S,
      });
    }
    if (!this.browser.ready) {
      this.metrics.refused("unavailable");
      throw new UnavailableError(
        "The browser is starting or being replaced.",
        "Try again, perhaps on another replica.",
        {
          retryAfterS: RETRY_AFTER_S,
        },
      );
    }
    return this.admission.acquire(call.left);
  }

  async #draw(call: Call, spec: OverlaySpec): Promise<void> {
    const progress = new Progress(this.settings.stallBudgetS);
    const rendering = new Rendering(spec, this.browser, progress);
    const beat = setInterval(
      () => call.offer({ progress: progress.message() }),
      this.settings.progressIntervalS * 1000,
    );
    this.active.add(progress);
    let pictures = 0;
    try {
      for await (const picture of rendering.pictures()) {
        if (pictures === 0) this.metrics.firstChunk(METHOD, call.ageS);
        pictures += 1;
        await this.#write(call, progress, { picture: { ...picture, format: "OVERLAY_FORMAT_RGBA32" } });
        this.metrics.unitFinished(progress.phase);
      }
      const { retries } = rendering;
      await call.write({ done: { pictures, renderer: RENDERER, retries } });
      this.metrics.realtimeFactor(METHOD, call.ageS / (spec.frames / spec.frameRateHz));
    } finally {
      clearInterval(beat);
      this.active.delete(progress);
    }
  }

  async #write(call: Call, progress: Progress, response: object): Promise<void> {
    progress.waiting = true;
    await call.write(response);
    progress.waiting = false;
    progress.touch();
  }
}
