/** Where errors become gRPC status with google.rpc details, as in services/base/status.py. */

import { Metadata, type StatusObject } from "@grpc/grpc-js";
import type { VigentError } from "./errors.js";
import { encoded } from "./protos.js";

const DOMAIN = "vigent";

/** The status of a call that ends with `error`: code, message, and trailers that carry all of it. */
export function statusOf(error: VigentError): StatusObject {
  const details = [
    packed("google.rpc.ErrorInfo", {
      reason: error.reason,
      domain: DOMAIN,
      metadata: { problem: error.problem, remedy: error.remedy },
    }),
  ];
  if (error.field) {
    const fieldViolations = [{ field: error.field, description: error.problem }];
    details.push(packed("google.rpc.BadRequest", { fieldViolations }));
  }
  const metadata = new Metadata();
  if (error.retryAfterS !== undefined) {
    details.push(packed("google.rpc.RetryInfo", { retryDelay: duration(error.retryAfterS) }));
    metadata.set("grpc-retry-pushback-ms", String(Math.floor(error.retryAfterS * 1000)));
  }
  const status = encoded("google.rpc.Status", { code: error.code, message: error.message, details });
  metadata.set("grpc-status-details-bin", status);
  return { code: error.code, details: error.message, metadata };
}

interface Packed {
  readonly type_url: string;
  readonly value: Buffer;
}

function packed(fullName: string, message: object): Packed {
  return { type_url: `type.googleapis.com/${fullName}`, value: encoded(fullName, message) };
}

function duration(seconds: number): { seconds: number; nanos: number } {
  const whole = Math.floor(seconds);
  return { seconds: whole, nanos: Math.floor((seconds - whole) * 1e9) };
}
