// The gateway's writing model, where its settings name one: words as they come.
import { useQuery } from "@tanstack/react-query";
import { ApiError, api, data, problemOf, reach, type Schemas } from "./client.ts";
import { eventsOf } from "./events.ts";

export type WritingRequest = Schemas["WritingRequest"];
export type Task = WritingRequest["task"];

export function useWriting() {
  return useQuery({
    queryKey: ["writing"],
    queryFn: () => data(api.GET("/api/v1/writing")),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Calls `more` with all that was written so far. Throws ApiError; what came until then stays. Aborting ends the work. */
export async function write(body: WritingRequest, signal: AbortSignal, more: (text: string) => void): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  const url = new URL("/api/v1/writing", location.href);
  const response = await reach(new Request(url, { method: "POST", headers, body: JSON.stringify(body), signal }));
  if (!response.ok || !response.body) throw problemOf(await response.json().catch(() => null), response.status);
  let text = "";
  for await (const event of eventsOf(response.body)) {
    if (event.name === "end") return;
    if (event.name === "problem") throw new ApiError(JSON.parse(event.data) as Schemas["Problem"]);
    text += (JSON.parse(event.data) as { text: string }).text;
    more(text);
  }
  if (!signal.aborted) throw new ApiError({ reason: "OFFLINE" });
}
