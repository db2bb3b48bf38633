// How a work is published: read once, written a moment after each change, checked by the gateway's own rules.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { type ApiError, api, data, type Schemas } from "../api/client.ts";

export type Publication = Schemas["Publication"];
export type Draft = Schemas["Draft"];
export type Texts = Schemas["Texts"];
export type Platform = Schemas["Platform"];
export type PlatformId = Platform["id"];
export type Rule = Schemas["Rule"];
export type Post = Schemas["Post"];

const WRITE_AFTER_MS = 350;

export function usePlatforms() {
  return useQuery({
    queryKey: ["platforms"],
    queryFn: () => data(api.GET("/api/v1/platforms")),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function usePublication(id: string) {
  const client = useQueryClient();
  const path = { params: { path: { job_id: id } } };
  const query = useQuery<Publication, ApiError>({
    queryKey: ["publication", id],
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/publication", path)),
  });
  const known = useCallback((view: Publication) => client.setQueryData(["publication", id], view), [client, id]);
  const write = useMutation<Publication, ApiError, Draft>({
    // One after the other, so that an older draft never takes the place of a newer one.
    scope: { id: `publication ${id}` },
    mutationFn: (body) => data(api.PUT("/api/v1/jobs/{job_id}/publication", { ...path, body, keepalive: true })),
    onSuccess: known,
  });
  const { draft, change, flush } = useDraft(query.data?.draft, write.mutateAsync);
  const post = useMutation<Publication, ApiError, Schemas["NewPost"]>({
    mutationFn: (body) => data(api.POST("/api/v1/jobs/{job_id}/posts", { ...path, body })),
    onSuccess: known,
  });
  const unpost = useMutation<Publication, ApiError, string>({
    mutationFn: (post_id) =>
      data(api.DELETE("/api/v1/jobs/{job_id}/posts/{post_id}", { params: { path: { job_id: id, post_id } } })),
    onSuccess: known,
  });
  return { query, draft, change, flush, write, post, unpost };
}

/** What is being written; kept a moment after the last change, and at once by `flush` and when the page is left. */
function useDraft(kept: Draft | undefined, save: (draft: Draft) => Promise<unknown>) {
  const [own, setOwn] = useState<Draft>();
  const waiting = useRef<Draft>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const flush = useCallback(async () => {
    clearTimeout(timer.current);
    const draft = waiting.current;
    waiting.current = undefined;
    if (draft) await save(draft).catch(() => undefined);
  }, [save]);
  const draft = own ?? kept;
  const change = (part: Partial<Draft>) => {
    if (!draft) return;
    const next = { ...draft, ...part };
    setOwn(next);
    waiting.current = next;
    clearTimeout(timer.current);
    timer.current = setTimeout(flush, WRITE_AFTER_MS);
  };
  useEffect(() => {
    const leave = () => void flush();
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      leave();
    };
  }, [flush]);
  return { draft, change, flush };
}
