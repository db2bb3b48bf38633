// A film with one sentence changed, counted and heard before anything is made.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ApiError, api, data, type FilmRequest, type Job, type Schemas } from "../api/client.ts";
import { audition } from "../lib/sound.ts";

export type Change = Schemas["RevisionRequest"];
export type Revision = Schemas["Revision"];

/** More takes of a sentence than these are not told. */
export const MOST_TAKES = 20;

export function useRevision(job: Job, change: Change) {
  return useQuery<Revision, ApiError>({
    queryKey: ["revision", job.id, change],
    queryFn: ({ signal }) => revised(job, change, signal),
    placeholderData: keepPreviousData,
    staleTime: 0,
    retry: false,
  });
}

/** The address of the sound of a take, which is spoken if it is not kept. */
export async function heard(job: Job, change: Change): Promise<string> {
  const { request, segment } = await revised(job, change);
  const sound = await data(api.POST("/api/v1/takes", { body: { request, segment }, parseAs: "blob" }));
  return URL.createObjectURL(sound as Blob);
}

/** Speaks a further take and lets it be heard; `undefined` where the voice says it as before. */
export function useAnotherTake(job: Job, change: Change, takes: number[], done: (take: number | undefined) => void) {
  const client = useQueryClient();
  const take = Math.max(-1, ...takes) + 1;
  return useMutation<number | undefined, ApiError>({
    mutationFn: async () => {
      const url = await heard(job, { ...change, take });
      const told = await revised(job, { ...change, take });
      if (!told.takes.includes(take)) return undefined;
      void audition(
        takeSound(change, take),
        () => url,
        "levelled",
        () => undefined,
      );
      return take;
    },
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["revision", job.id] });
      done(made);
    },
  });
}

/** What is chosen for a sentence in a film. */
export function chosenFor(request: FilmRequest, segment: number): { voice: string; take: number } {
  const choice = request.segment_choices?.find((each) => each.segment === segment);
  return { voice: choice?.voice ?? "", take: choice?.take ?? 0 };
}

export const takeSound = (change: Change, take: number) => `take ${change.segment} ${change.voice} ${take}`;

function revised(job: Job, change: Change, signal?: AbortSignal): Promise<Revision> {
  const path = { job_id: job.id };
  return data(api.POST("/api/v1/jobs/{job_id}/revision", { params: { path }, body: change, signal: signal ?? null }));
}
