/** The protocol files, loaded: services to serve, messages to write. */

import { join } from "node:path";
import { loadPackageDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { PACKAGE, REPOSITORY } from "./paths.js";

const FILES = ["vigent/overlay/v1/overlay.proto", "grpc/health/v1/health.proto", "google/rpc/details.proto"];

const loaded: PackageDefinition = loadSync(FILES, {
  includeDirs: [join(REPOSITORY, "protos"), join(PACKAGE, "proto")],
  longs: Number,
  defaults: true,
  oneofs: true,
});

/** A service by its full name. */
export function service(fullName: string): ServiceDefinition {
  let found: unknown = loadPackageDefinition(loaded);
  for (const part of fullName.split(".")) found = (found as Record<string, unknown>)[part];
  return (found as { service: ServiceDefinition }).service;
}

/** What tells tools such as grpcurl which services there are. */
export function reflection(): ReflectionService {
  return new ReflectionService(loaded);
}

/** Bytes of a message of `fullName`. */
export function encoded(fullName: string, message: object): Buffer {
  return (loaded[fullName] as unknown as MessageTypeDefinition<object, object>).serialize(message);
}

/** The message of `fullName` in `bytes`. */
export function decoded(fullName: string, bytes: Buffer): object {
  return (loaded[fullName] as unknown as MessageTypeDefinition<object, object>).deserialize(bytes);
}
