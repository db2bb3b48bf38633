// Uploads, which tell how far they are and can be ended: what fetch cannot do.
import { connectionLost, connectionWorks, signIn } from "../lib/connection.ts";
import { ApiError, problemOf, type Schemas } from "./client.ts";

export type Kind = "footage" | "voices" | "music" | "fonts" | "styles";
export type Entry = Schemas["Footage"] | Schemas["Voice"] | Schemas["Music"] | Schemas["Font"] | Schemas["Style"];
export type Uploaded = { entry: Entry; existed: boolean };

/** Sends a file with what is said of it. `progress` gets the share that was sent, 0 to 1. */
export function upload(
  kind: Kind,
  file: File,
  told: Record<string, string>,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<Uploaded> {
  const form = new FormData();
  for (const [name, value] of Object.entries(told)) form.append(name, value);
  form.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/${kind}`);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("load", () => {
      connectionWorks();
      const { status, response } = request;
      if (status === 401) signIn();
      if (status < 300) resolve({ entry: response as Entry, existed: status === 200 });
      else reject(problemOf(response, status));
    });
    request.addEventListener("error", () => {
      connectionLost();
      reject(new ApiError({ reason: "OFFLINE" }));
    });
    request.addEventListener("abort", () => reject(new ApiError({ reason: "ENDED" })));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
