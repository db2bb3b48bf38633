// Uploads, which tell how far they are and can be ended: what fetch cannot do.
import { connectionLost, connectionWorks, signIn } from "../lib/connection.ts";
import { ApiError, problemOf, type Schemas } from "./client.ts";
import { type Parts, sendInParts, type Transfer } from "./parts.ts";

const REFUSED = new Set([404, 409, 413, 422]);

export type Kind = "footage" | "voices" | "music" | "fonts" | "styles";
export type Entry = Schemas["Footage"] | Schemas["Voice"] | Schemas["Music"] | Schemas["Font"] | Schemas["Style"];
export type Uploaded = { entry: Entry; existed: boolean };

/** Sends a file with what is said of it. `progress` gets the share that was sent, 0 to 1. */
export async function upload(
  kind: Kind,
  file: File,
  told: Record<string, string>,
  progress: (share: number) => void,
  signal: AbortSignal,
  started: (transfer: Transfer) => void = () => undefined,
): Promise<Uploaded> {
  const form = new FormData();
  for (const [name, value] of Object.entries(told)) form.append(name, value);
  if (kind === "styles") {
    form.append("file", file);
    return post(kind, form, progress, signal);
  }
  const parts = await sendInParts(kind, file, progress, signal, started);
  form.append("upload", parts.id);
  return taken(
    parts,
    post(kind, form, () => undefined, signal),
  );
}

/** What is refused for good is not kept; what could not be asked is: chosen again, it need not be sent again. */
async function taken(parts: Parts, asked: Promise<Uploaded>): Promise<Uploaded> {
  try {
    const made = await asked;
    await parts.forget();
    return made;
  } catch (error) {
    if (error instanceof ApiError && REFUSED.has(error.status)) await parts.end();
    throw error;
  }
}

function post(kind: Kind, form: FormData, progress: (share: number) => void, signal: AbortSignal): Promise<Uploaded> {
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
