// A work is deleted a few seconds after it was asked for, so that it can be undone; at once when the page is left.
import { useSyncExternalStore } from "react";
import { api, type Job } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import { tell } from "../ui/Toasts.tsx";

let deleted: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

/** Works that are no longer shown. */
export function useDeleted(): ReadonlySet<string> {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => deleted,
  );
}

export function deleteLater(job: Job, text: string, failed: string): void {
  hide(job.id, true);
  const undo = () => {
    window.removeEventListener("pagehide", leave);
    hide(job.id, false);
  };
  const leave = () => void fetch(`/api/v1/jobs/${job.id}`, { method: "DELETE", keepalive: true });
  const remove = async () => {
    window.removeEventListener("pagehide", leave);
    const path = { params: { path: { job_id: job.id } } };
    const answer = await api.DELETE("/api/v1/jobs/{job_id}", path).catch(() => undefined);
    if (!answer?.response.ok && answer?.response.status !== 404) {
      hide(job.id, false);
      tell(failed);
    }
    void queryClient.invalidateQueries({ queryKey: ["works"] });
  };
  window.addEventListener("pagehide", leave);
  tell(text, undo, remove);
}

/** What a work is called: its title, else how it begins. */
export function titleOf(job: Job): string {
  return job.request.title?.trim() || job.segments[0]?.text || firstLine(job.request.script) || job.id;
}

function firstLine(script: string): string {
  return (script.trim().split("\n")[0] ?? "").slice(0, 80);
}

function hide(id: string, hidden: boolean): void {
  const next = new Set(deleted);
  if (hidden) next.add(id);
  else next.delete(id);
  deleted = next;
  for (const listener of [...listeners]) listener();
}
