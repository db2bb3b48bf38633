// Many films from one table: each row is ordered once, whatever happens in between.
import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { type ApiError, api, data, type FilmRequest, type Job } from "../api/client.ts";
import { read, write } from "../lib/theme.ts";

const KEY = "vigent.batch";
const AGAIN_MS = 3000;

export type Batch = { id: string; table: string; script: string; title: string; jobs: Record<string, string> };

/** The batch of this browser: what was pasted, and the films that were ordered by row; "trial" is the dry run. */
export function useBatch(first: () => Pick<Batch, "script" | "title">) {
  const [batch, setBatch] = useState<Batch>(() => restored() ?? fresh({ table: "", ...first() }));
  const keep = (next: Batch) => {
    setBatch(next);
    write(KEY, JSON.stringify(next));
    return next;
  };
  return {
    batch,
    /** What is written otherwise is another batch, whose rows are ordered anew. */
    write: (part: Partial<Pick<Batch, "table" | "script" | "title">>) => keep(fresh({ ...batch, ...part })),
    ordered: (before: Batch, row: string, job: Job) => keep({ ...before, jobs: { ...before.jobs, [row]: job.id } }),
  };
}

export function order(batch: Batch, row: string, body: FilmRequest): Promise<Job> {
  const header = { "Idempotency-Key": `batch-${batch.id}-${row}` };
  return data(api.POST("/api/v1/jobs", { body, params: { header } }));
}

/** The films that were ordered, by row, kept up to date until they have ended. */
export function useOrdered(batch: Batch): Record<string, Job | undefined> {
  const rows = Object.entries(batch.jobs);
  const answers = useQueries({
    queries: rows.map(([, id]) => ({
      queryKey: ["work", id],
      queryFn: () => data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } } })),
      retry: (count: number, error: unknown) => count < 2 && (error as ApiError).status >= 500,
      refetchInterval: (query: { state: { data: Job | undefined } }) =>
        query.state.data === undefined || ["queued", "running"].includes(query.state.data.state) ? AGAIN_MS : false,
    })),
  });
  return Object.fromEntries(rows.map(([row], place) => [row, answers[place]?.data]));
}

function fresh(part: Pick<Batch, "table" | "script" | "title">): Batch {
  const { table, script, title } = part;
  const id = [...crypto.getRandomValues(new Uint32Array(3))].map((number) => number.toString(16)).join("");
  return { id, table, script, title, jobs: {} };
}

function restored(): Batch | undefined {
  try {
    const told = JSON.parse(read(KEY) ?? "null");
    const texts = [told?.id, told?.table, told?.script, told?.title];
    return texts.every((text) => typeof text === "string") && typeof told.jobs === "object" ? told : undefined;
  } catch {
    return undefined;
  }
}
