// A job's events as the gateway streams them, resumed after the last one that was seen when the connection breaks.
import { connectionLost, connectionWorks, signIn } from "../lib/connection.ts";
import type { Schemas } from "./client.ts";

export type JobEvent = { id: number; time: string; state: Schemas["JobView"]["state"]; progress: Schemas["Progress"] };

const TRY_AGAIN_MS = 1000;

/** Calls `seen` with every event until the job ends or `signal` aborts. */
export async function followJob(jobId: string, signal: AbortSignal, seen: (event: JobEvent) => void): Promise<void> {
  let lastId = 0;
  while (!signal.aborted) {
    try {
      const response = await fetch(`/api/v1/jobs/${encodeURIComponent(jobId)}/events`, {
        headers: { "Last-Event-ID": String(lastId) },
        signal,
      });
      connectionWorks();
      if (response.status === 401) signIn();
      if (response.status === 204 || response.status === 404) return;
      if (response.ok && response.body) {
        for await (const event of eventsOf(response.body)) {
          if (event.name === "end") return;
          if (event.name !== "message") break;
          const told = JSON.parse(event.data) as JobEvent;
          lastId = told.id;
          seen(told);
        }
      }
    } catch {
      if (signal.aborted) return;
      connectionLost();
    }
    await pause(signal);
  }
}

type ServerEvent = { name: string; data: string };

/** The events of an answer, as they come. */
export async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (text + value).split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const event = parsed(part);
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

function parsed(part: string): ServerEvent {
  const event = { name: "message", data: "" };
  for (const line of part.split("\n")) {
    if (line.startsWith("event:")) event.name = line.slice(6).trim();
    if (line.startsWith("data:")) event.data += line.slice(5).trim();
  }
  return event;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, TRY_AGAIN_MS);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
