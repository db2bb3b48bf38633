// Uploads in parts, by the tus protocol: they go on after a pause, a lost connection, and a reload of the page.
import type { DetailedError, PreviousUpload, Upload } from "tus-js-client";
import { connectionLost, connectionWorks, signIn } from "../lib/connection.ts";
import { ApiError, problemOf } from "./client.ts";
import type { Kind } from "./upload.ts";

const ENDPOINT = `${location.origin}/api/v1/uploads`;
const KEPT_MS = 24 * 3600 * 1000; // as long as the gateway
const RETRY_MS = Array.from({ length: 120 }, (_, attempt) => Math.min(500 * (attempt + 1), 5000));
const PASSES = new Set([0, 408, 409, 423, 429, 503, 507]); // statuses after which it may go on
const KEPT_AS = "tus::"; // how tus-js-client begins its keys in localStorage

/** What can be done with a file on its way. */
export type Transfer = { pause: () => void; resume: () => void };
/** A file that has come whole: its id, and how to forget it here, or to end it there too. */
export type Parts = { id: string; forget: () => Promise<void>; end: () => Promise<void> };
/** A file that broke off, in this page's life or before. */
export type BrokenOff = { name: string; forget: () => Promise<void> };

const underWay = new Set<string>();
const load = () => import("tus-js-client"); // only where something is sent

/** Sends a file, from where it broke off if it did. `progress` gets the share that has come, 0 to 1. */
export async function sendInParts(
  kind: Kind,
  file: File,
  progress: (share: number) => void,
  signal: AbortSignal,
  started: (transfer: Transfer) => void,
): Promise<Parts> {
  const { Upload } = await load();
  const key = `${kind} ${file.name}`;
  const metadata = { filename: file.name, filetype: file.type || "application/octet-stream", kind };
  underWay.add(key);
  return new Promise<Parts>((resolve, reject) => {
    const sending: Upload = new Upload(file, {
      endpoint: ENDPOINT,
      metadata,
      retryDelays: RETRY_MS,
      onProgress: (sent, total) => progress(total > 0 ? sent / total : 1),
      onShouldRetry: mayGoOn,
      onSuccess: () => resolve(partsOf(sending)),
      onError: (error) => reject(problemIn(error)),
    });
    signal.addEventListener("abort", () => {
      void sending.abort(true).catch(() => undefined);
      reject(new ApiError({ reason: "ENDED" }));
    });
    started({ pause: () => void sending.abort(), resume: () => sending.start() });
    void begin(sending, signal);
  }).finally(() => underWay.delete(key));
}

/** What broke off and may still go on, once its file is chosen again. */
export async function brokenOff(kind: Kind): Promise<BrokenOff[]> {
  if (!Object.keys(localStorage).some((key) => key.startsWith(KEPT_AS))) return [];
  const { defaultOptions, Upload } = await load();
  const storage = defaultOptions.urlStorage;
  const all = (await storage.findAllUploads()).filter((each) => each.metadata.kind === kind);
  const old = all.filter((each) => Date.now() - Date.parse(each.creationTime) > KEPT_MS);
  for (const each of old) await storage.removeUpload(each.urlStorageKey);
  const waits = (each: PreviousUpload) => !old.includes(each) && !underWay.has(`${kind} ${each.metadata.filename}`);
  return all.filter(waits).map((each) => ({
    name: each.metadata.filename ?? "",
    forget: async () => {
      await storage.removeUpload(each.urlStorageKey);
      if (each.uploadUrl) await Upload.terminate(each.uploadUrl).catch(() => undefined);
    },
  }));
}

async function begin(sending: Upload, signal: AbortSignal): Promise<void> {
  const [before] = await sending.findPreviousUploads();
  if (before) sending.resumeFromPreviousUpload(before);
  if (!signal.aborted) sending.start();
}

function partsOf(sending: Upload): Parts {
  connectionWorks();
  const forget = async () => {
    const { defaultOptions } = await load();
    for (const each of await sending.findPreviousUploads()) {
      await defaultOptions.urlStorage.removeUpload(each.urlStorageKey);
    }
  };
  const end = () => sending.abort(true).catch(() => undefined);
  return { id: sending.url?.split("/").at(-1) ?? "", forget, end };
}

function mayGoOn(error: DetailedError): boolean {
  const status = error.originalResponse?.getStatus() ?? 0;
  if (status === 0) connectionLost();
  return PASSES.has(status);
}

function problemIn(error: Error | DetailedError): ApiError {
  const answer = "originalResponse" in error ? error.originalResponse : null;
  if (!answer) return new ApiError({ reason: "OFFLINE" });
  if (answer.getStatus() === 401) signIn();
  return problemOf(parsed(answer.getBody()), answer.getStatus());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
