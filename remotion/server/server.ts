/** Life of the server: builds everything, serves until a signal, and takes it down in the reverse order. */

import { setTimeout as pause } from "node:timers/promises";
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { Admission } from "./admission.js";
import { Browser } from "./browser.js";
import { ensureBundle } from "./bundle.js";
import { findChromium } from "./chromium.js";
import { portError } from "./errors.js";
import { findUploadedFontsIn } from "./fonts.js";
import { Health } from "./health.js";
import { engineIdentity } from "./identity.js";
import { log, say } from "./log.js";
import { Metrics, type Observed, type State } from "./metrics.js";
import { reflection, service } from "./protos.js";
import { MALFORMED, OverlayServicer, RENDERER } from "./servicer.js";
import type { Settings } from "./settings.js";
import type { StopSignals } from "./signals.js";

const OVERLAY = "vigent.overlay.v1.OverlayService";
const HEARTBEAT_S = 2;

/** Runs the server until a signal. Returns whether it was drained; throws what keeps it from starting. */
export async function serve(settings: Settings, signals: StopSignals): Promise<boolean> {
  const executable = findChromium(settings.chromium);
  findUploadedFontsIn(settings.mediaRoot);
  const metrics = new Metrics();
  const health = new Health(OVERLAY);
  const server = new Server({
    "grpc.max_receive_message_length": settings.maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.max_connection_age_ms": Math.floor(settings.maxConnectionAgeS * 1000),
  });
  server.addService(service("grpc.health.v1.Health"), health.implementation);
  reflection().addToServer(server);
  const address = `${settings.host}:${await bind(server, settings)}`;
  const scrape = await metrics.serve(settings.host, settings.metricsPort);
  say(`overlay listening on ${address}, metrics on ${settings.host}:${scrape.port}`);
  const browser = new Browser(executable, await ensureBundle(), settings.loadBudgetS);
  const admission = new Admission(settings.slots, settings.queueLimit, (reason) => metrics.refused(reason));
  const servicer = new OverlayServicer(settings, browser, admission, metrics);
  server.addService(tolerant(service(OVERLAY)), servicer.implementation);
  metrics.watch(() => observed(settings, browser, servicer, admission));
  browser.on("died", (reason) => metrics.restarted(reason));
  browser.on("changed", () => health.publish(browser.ready && !servicer.draining, browser.live));
  const watchdog = setInterval(() => watch(servicer, browser), settings.watchIntervalS * 1000);
  const heartbeat = setInterval(() => lookWhenIdle(servicer, browser, settings), HEARTBEAT_S * 1000);
  try {
    await Promise.race([browser.open(), signals.first]);
    if (browser.ready) {
      health.identity = engineIdentity(RENDERER, browser.version);
      say(`overlay ready on ${address} (engine ${RENDERER})`);
    }
    await signals.first;
    return await drained(server, health, servicer, settings, signals);
  } finally {
    clearInterval(watchdog);
    clearInterval(heartbeat);
    await browser.close();
    server.forceShutdown();
    scrape.server.close();
  }
}

function bind(server: Server, settings: Settings): Promise<number> {
  const address = `${settings.host}:${settings.port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (!error) return resolve(port);
      const problem = `The port ${address} cannot be opened: ${error.message.split("\n")[0]}.`;
      const taken = error.message.includes("EADDRINUSE");
      reject(portError(problem, "Set VIGENT_OVERLAY_PORT to a free port.", "port", taken));
    });
  });
}

/** Left to itself, the library answers INTERNAL with the words of the decoder. */
function tolerant(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): object | typeof MALFORMED => {
      try {
        return method.requestDeserialize(bytes);
      } catch {
        return MALFORMED;
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as ServiceDefinition;
}

/** Ends a browser that hangs under a call; its calls go on with the next one. */
function watch(servicer: OverlayServicer, browser: Browser): void {
  const hung = [...servicer.active].find((progress) => progress.stalled);
  if (!hung || !browser.ready) return;
  log("ERROR", "watchdog", `the browser hangs in '${hung.phase}' after ${hung.unitsDone} pictures`);
  void browser.kill("stall");
}

/** A browser without calls is asked whether it lives; under a call, the call finds out and draws again. */
function lookWhenIdle(servicer: OverlayServicer, browser: Browser, settings: Settings): void {
  if (servicer.active.size === 0) void browser.look(settings.stallBudgetS);
}

/** Stops without a failed call: NOT_SERVING, a pause in which balancers turn away, then the end of running calls. */
async function drained(
  server: Server,
  health: Health,
  servicer: OverlayServicer,
  settings: Settings,
  signals: StopSignals,
): Promise<boolean> {
  servicer.draining = true;
  health.publish(false, true);
  const gentle = async (): Promise<boolean> => {
    await pause(settings.drainDelayS * 1000);
    servicer.refusing = true;
    const graceOver = pause(settings.drainGraceS * 1000);
    // A stopping server refuses health checks: who asks would take it for dead amid its calls.
    await Promise.race([servicer.ended(), graceOver]);
    health.close();
    const stopped = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    await Promise.race([stopped, graceOver]);
    return true;
  };
  return Promise.race([gentle(), signals.second.then(() => false)]);
}

function observed(settings: Settings, browser: Browser, servicer: OverlayServicer, admission: Admission): Observed {
  const ages = [...servicer.active].filter((progress) => !progress.waiting).map((progress) => progress.ageS);
  return {
    state: stateOf(browser, servicer),
    activeRequests: servicer.active.size,
    queueDepth: admission.queueDepth,
    progressAgeS: Math.max(0, ...ages),
    stallBudgetS: settings.stallBudgetS,
  };
}

function stateOf(browser: Browser, servicer: OverlayServicer): State {
  if (!browser.live) return "broken";
  if (servicer.draining) return "draining";
  if (!browser.ready && servicer.active.size > 0) return "stalled";
  return servicer.active.size > 0 || !browser.ready ? "progressing" : "idle";
}
