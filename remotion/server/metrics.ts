/** Prometheus metrics under the names of services/runtime/metrics.py. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Refusal } from "./admission.js";
import type { DeathReason } from "./browser.js";
import { portError } from "./errors.js";

const SERVICE = "overlay";
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const FACTORS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10, 50];
const STATES = ["idle", "progressing", "stalled", "draining", "broken"] as const;

export type State = (typeof STATES)[number];

/** What the gauges read when they are scraped. */
export interface Observed {
  readonly state: State;
  readonly activeRequests: number;
  readonly queueDepth: number;
  readonly progressAgeS: number;
  readonly stallBudgetS: number;
}

export class Metrics {
  readonly registry = new Registry();
  readonly #requests = this.#counter("vigent_requests_total", "Calls by gRPC code.", ["method", "code"]);
  readonly #requestS = this.#histogram("vigent_request_seconds", "From request to end of stream.", SECONDS);
  readonly #firstChunkS = this.#histogram("vigent_first_chunk_seconds", "From request to first result.", SECONDS);
  readonly #realtimeFactor = this.#histogram("vigent_realtime_factor", "Wall over media.", FACTORS);
  readonly #restarts = this.#counter("vigent_worker_restarts_total", "Browsers replaced.", ["reason"]);
  readonly #refused = this.#counter("vigent_admission_refused_total", "Calls without a slot.", ["reason"]);
  readonly #units = this.#counter("vigent_worker_units_total", "Finished units of work.", ["phase"]);

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    // Start at 0, so that the first one shows as a change.
    for (const reason of ["crash", "stall"]) this.#restarts.inc({ service: SERVICE, reason }, 0);
    for (const reason of ["queue_full", "caller_left", "unavailable"])
      this.#refused.inc({ service: SERVICE, reason }, 0);
  }

  /** Adds the gauges. */
  watch(observe: () => Observed): void {
    const gauge = (name: string, help: string, read: () => number): void => {
      const collect = function (this: Gauge<"service">): void {
        this.set({ service: SERVICE }, read());
      };
      new Gauge({ name, help, labelNames: ["service"], registers: [this.registry], collect });
    };
    gauge(
      "vigent_worker_progress_timestamp_seconds",
      "Last finished unit.",
      () => Date.now() / 1000 - observe().progressAgeS,
    );
    gauge("vigent_worker_stall_budget_seconds", "Time without a unit that is a hang.", () => observe().stallBudgetS);
    gauge("vigent_worker_active_requests", "Calls that are worked on.", () => observe().activeRequests);
    gauge("vigent_queue_depth", "Calls that wait for a slot.", () => observe().queueDepth);
    this.#watchState(() => observe().state);
  }

  requestEnded(method: string, code: string, seconds: number): void {
    this.#requests.inc({ service: SERVICE, method, code });
    this.#requestS.observe({ service: SERVICE, method }, seconds);
  }

  firstChunk(method: string, seconds: number): void {
    this.#firstChunkS.observe({ service: SERVICE, method }, seconds);
  }

  realtimeFactor(method: string, factor: number): void {
    this.#realtimeFactor.observe({ service: SERVICE, method }, factor);
  }

  refused(reason: Refusal): void {
    this.#refused.inc({ service: SERVICE, reason });
  }

  restarted(reason: DeathReason): void {
    this.#restarts.inc({ service: SERVICE, reason });
  }

  unitFinished(phase: string): void {
    this.#units.inc({ service: SERVICE, phase });
  }

  /** Starts the scrape endpoint. Throws what `portError` makes of a port that does not open. */
  async serve(host: string, port: number): Promise<{ server: Server; port: number }> {
    const server = createServer((_request, response) => {
      void this.registry
        .metrics()
        .then((text) => response.setHeader("Content-Type", this.registry.contentType).end(text));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        const problem = `The metrics port ${host}:${port} cannot be opened: ${error.code}.`;
        const remedy = "Set VIGENT_OVERLAY_METRICS_PORT to a free port.";
        reject(portError(problem, remedy, "metrics_port", error.code === "EADDRINUSE"));
      });
      server.listen(port, host, resolve);
    });
    return { server, port: (server.address() as AddressInfo).port };
  }

  #watchState(read: () => State): void {
    new Gauge({
      name: "vigent_worker_state",
      help: "1 for the present state.",
      labelNames: ["service", "state"],
      registers: [this.registry],
      collect() {
        for (const state of STATES) this.set({ service: SERVICE, state }, Number(state === read()));
      },
    });
  }

  #counter<T extends string>(name: string, help: string, labels: readonly T[]): Counter<T | "service"> {
    return new Counter({ name, help, labelNames: ["service", ...labels], registers: [this.registry] });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram<"service" | "method"> {
    return new Histogram({ name, help, labelNames: ["service", "method"], buckets, registers: [this.registry] });
  }
}
