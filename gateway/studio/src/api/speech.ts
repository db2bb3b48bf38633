// Short texts spoken by the voice engine, to be listened to.
import { problemOf } from "./client.ts";

/** The address of the text spoken by the engine. */
export async function spoken(text: string, voice: string, speed: number): Promise<string> {
  const response = await fetch("/v1/audio/speech", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ input: text, voice, speed, response_format: "mp3" }),
  });
  if (!response.ok) throw problemOf(await response.json().catch(() => null), response.status);
  return URL.createObjectURL(await response.blob());
}
