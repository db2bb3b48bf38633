// What the pages read from the gateway, each under one key.
import { QueryClient, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { onReturn } from "../lib/connection.ts";
import { ApiError, api, data, type FilmRequest, type Job, reach, type ScriptView } from "./client.ts";
import { followJob } from "./events.ts";

const WORKS_A_PAGE = 24;
const MESH_AGAIN_MS = 2000;
const QUEUE_AGAIN_MS = 2000;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      refetchOnWindowFocus: false,
      staleTime: 30_000,
      retry: (failures, error) => failures < 2 && error instanceof ApiError && error.status >= 500,
    },
    mutations: { networkMode: "always" },
  },
});

onReturn(() => void queryClient.invalidateQueries());

export function useLibrary() {
  return {
    footage: useQuery({ queryKey: ["footage"], queryFn: () => data(api.GET("/api/v1/footage")) }),
    voices: useQuery({ queryKey: ["voices"], queryFn: () => data(api.GET("/api/v1/voices")) }),
    music: useQuery({ queryKey: ["music"], queryFn: () => data(api.GET("/api/v1/music")) }),
    fonts: useQuery({ queryKey: ["fonts"], queryFn: () => data(api.GET("/api/v1/fonts")) }),
    styles: useQuery({ queryKey: ["styles"], queryFn: () => data(api.GET("/api/v1/styles")) }),
  };
}

export type Edges = [left: number, top: number, right: number, bottom: number];
type Areas = { safe: Edges; caption: Edges; title: Edges };
export type SafeAreas = {
  canvas: [width: number, height: number];
  platforms: Record<string, Areas>;
  landscape: Areas;
};

/** Where no app lays buttons over a film, by platform. */
export function useSafeAreas() {
  return useQuery({
    queryKey: ["safe areas"],
    queryFn: async () =>
      (await reach(new Request(new URL("/assets/styles/safe_areas.json", location.href)))).json() as Promise<SafeAreas>,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useServices(live: boolean) {
  return useQuery({
    queryKey: ["services"],
    queryFn: () => data(api.GET("/api/v1/services")),
    refetchInterval: live ? MESH_AGAIN_MS : 15_000,
    staleTime: 0,
  });
}

export type ScriptQuestion = Pick<
  FilmRequest,
  "script" | "language" | "voice" | "speed" | "caption_style" | "pronunciations"
>;

export function useScript(question: ScriptQuestion) {
  return useQuery<ScriptView, ApiError>({
    queryKey: ["script", question],
    queryFn: ({ signal }) => data(api.POST("/api/v1/script", { body: question, signal })),
    enabled: question.script.trim() !== "",
    placeholderData: (before) => before,
    retry: false,
  });
}

export function useWorks() {
  return useInfiniteQuery({
    queryKey: ["works"],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      data(api.GET("/api/v1/jobs", { params: { query: { page_size: WORKS_A_PAGE, page_token: pageParam } } })),
    getNextPageParam: (page) => page.next_page_token || undefined,
    staleTime: 0,
  });
}

export function useWork(id: string) {
  return useQuery<Job, ApiError>({
    queryKey: ["work", id],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } } })),
  });
}

/** How many works are before this one in the queue; undefined while not known. */
export function useQueuePlace(job: Job): number | undefined {
  const query = useQuery({
    queryKey: ["queue"],
    queryFn: () => data(api.GET("/api/v1/jobs", { params: { query: { page_size: 100, state: "queued" } } })),
    enabled: job.state === "queued",
    refetchInterval: QUEUE_AGAIN_MS,
    staleTime: 0,
  });
  const place = query.data?.jobs.findIndex((each) => each.id === job.id) ?? -1;
  return place < 0 || !query.data ? undefined : query.data.jobs.length - 1 - place;
}

const isEnded = (state: Job["state"]) => state === "done" || state === "failed" || state === "cancelled";

/** Keeps a work up to date by its events until it has ended. */
export function useLiveWork(job: Job | undefined): void {
  const client = useQueryClient();
  const id = job?.id;
  const live = job !== undefined && !isEnded(job.state);
  useEffect(() => {
    if (!id || !live) return;
    const leaving = new AbortController();
    void followJob(id, leaving.signal, (event) => {
      const before = client.getQueryData<Job>(["work", id]);
      if (!before) return;
      client.setQueryData<Job>(["work", id], { ...before, state: event.state, progress: event.progress });
      if (!sameSentences(before.progress, event.progress) || isEnded(event.state)) renew(client, id);
    }).then(() => !leaving.signal.aborted && renew(client, id));
    return () => leaving.abort();
  }, [client, id, live]);
}

function sameSentences(before: Job["progress"], now: Job["progress"]): boolean {
  return (
    before.segments_done === now.segments_done &&
    before.segments_total === now.segments_total &&
    before.playable_s === now.playable_s
  );
}

function renew(client: QueryClient, id: string): void {
  void client.invalidateQueries({ queryKey: ["work", id] });
  void client.invalidateQueries({ queryKey: ["works"] });
}

export function useWorkActions() {
  const client = useQueryClient();
  const settled = (job: Job) => {
    client.setQueryData(["work", job.id], job);
    void client.invalidateQueries({ queryKey: ["works"] });
  };
  const path = (id: string) => ({ params: { path: { job_id: id } } });
  return {
    submit: useMutation<Job, ApiError, FilmRequest>({
      mutationFn: (body) => data(api.POST("/api/v1/jobs", { body, params: { header: idempotencyKey() } })),
      onSuccess: settled,
    }),
    cancel: useMutation<Job, ApiError, string>({
      mutationFn: (id) => data(api.POST("/api/v1/jobs/{job_id}/cancel", path(id))),
      onSuccess: settled,
    }),
    retry: useMutation<Job, ApiError, string>({
      mutationFn: (id) => data(api.POST("/api/v1/jobs/{job_id}/retry", path(id))),
      onSuccess: settled,
    }),
  };
}

export function idempotencyKey(): { "Idempotency-Key": string } {
  const random = crypto.getRandomValues(new Uint32Array(4));
  return { "Idempotency-Key": `studio-${[...random].map((number) => number.toString(16)).join("-")}` };
}
