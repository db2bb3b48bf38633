/** grpc.health.v1: "" and the service's full name tell readiness, "liveness" tells life. */

import { EventEmitter } from "node:events";
import {
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
const LIVENESS = "liveness";
/** Initial metadata of every check: a caller learns the identity of the engine without starting work. */
const ENGINE_METADATA_KEY = "vigent-engine";

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: number;
}

type Watch = ServerWritableStream<HealthRequest, HealthResponse>;

export class Health {
  identity = "";
  readonly #names: readonly string[];
  readonly #statuses: Map<string, number>;
  readonly #events = new EventEmitter<{ changed: [] }>().setMaxListeners(0);
  readonly #watches = new Set<Watch>();

  constructor(service: string) {
    this.#names = ["", service];
    this.#statuses = new Map([
      ...this.#names.map((name): [string, number] => [name, NOT_SERVING]),
      [LIVENESS, SERVING],
    ]);
  }

  publish(ready: boolean, live: boolean): void {
    for (const name of this.#names) this.#statuses.set(name, ready ? SERVING : NOT_SERVING);
    this.#statuses.set(LIVENESS, live ? SERVING : NOT_SERVING);
    this.#events.emit("changed");
  }

  /** Ends all watches, which would hold a stopping server. */
  close(): void {
    for (const watch of this.#watches) watch.end();
  }

  readonly implementation: UntypedServiceImplementation = {
    Check: (call: ServerUnaryCall<HealthRequest, HealthResponse>, respond: sendUnaryData<HealthResponse>) => {
      const found = this.#statuses.get(call.request.service);
      if (found === undefined) return respond({ code: status.NOT_FOUND, details: "unknown service" });
      if (this.identity) {
        const metadata = new Metadata();
        metadata.set(ENGINE_METADATA_KEY, this.identity);
        call.sendMetadata(metadata);
      }
      respond(null, { status: found });
    },
    List: (_call: unknown, respond: sendUnaryData<object>) => {
      const statuses = Object.fromEntries([...this.#statuses].map(([name, found]) => [name, { status: found }]));
      respond(null, { statuses });
    },
    Watch: (call: Watch) => this.#watch(call),
  };

  #watch(call: Watch): void {
    let told = -1;
    const tell = (): void => {
      const now = this.#statuses.get(call.request.service) ?? SERVICE_UNKNOWN;
      if (now !== told) call.write({ status: now });
      told = now;
    };
    const leave = (): void => {
      this.#events.off("changed", tell);
      this.#watches.delete(call);
    };
    this.#events.on("changed", tell);
    this.#watches.add(call);
    call.on("cancelled", leave);
    call.on("close", leave);
    tell();
  }
}
