// An entry is removed a few seconds after it was asked for, so that it can be undone.
import { useSyncExternalStore } from "react";
import { problemOf } from "../api/client.ts";
import { queryClient } from "../api/queries.ts";
import type { Kind } from "../api/upload.ts";
import { tell } from "../ui/Toasts.tsx";

let removed: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

export function useRemoved(): ReadonlySet<string> {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => removed,
  );
}

/** `refused` makes words of why the gateway keeps it. */
export function removeLater(kind: Kind, id: string, text: string, refused: (error: unknown) => string): void {
  hide(id, true);
  const remove = async () => {
    const answer = await fetch(`/api/v1/${kind}/${id}`, { method: "DELETE", keepalive: true }).catch(() => undefined);
    if (!answer?.ok && answer?.status !== 404) {
      const told = await answer?.json().catch(() => undefined);
      tell(refused(problemOf(told, answer?.status ?? 0)));
    }
    await queryClient.invalidateQueries({ queryKey: [kind] });
    hide(id, false);
  };
  tell(text, () => hide(id, false), remove);
}

function hide(id: string, hidden: boolean): void {
  const next = new Set(removed);
  if (hidden) next.add(id);
  else next.delete(id);
  removed = next;
  for (const listener of [...listeners]) listener();
}
