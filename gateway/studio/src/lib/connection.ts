// Whether the gateway can be reached. While it cannot, it is asked again and again; then all that is shown is renewed.
import { useSyncExternalStore } from "react";

const ASK_AGAIN_MS = 1500;

let lost = false;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const returns = new Set<() => void>();

export function connectionLost(): void {
  if (lost) return;
  lost = true;
  tell(listeners);
  askAgain();
}

export function connectionWorks(): void {
  if (!lost) return;
  lost = false;
  clearTimeout(timer);
  tell(listeners);
  tell(returns);
}

/** Leads to where a key can be given: there is no session, or it has ended. What was written is kept. */
export function signIn(): void {
  location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}&lang=${document.documentElement.lang}`);
}

/** Calls `renew` each time the gateway is there again. */
export function onReturn(renew: () => void): () => void {
  returns.add(renew);
  return () => returns.delete(renew);
}

export function useLost(): boolean {
  return useSyncExternalStore(subscribe, () => lost);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(whom: Set<() => void>): void {
  for (const listener of [...whom]) listener();
}

function askAgain(): void {
  timer = setTimeout(async () => {
    const answered = await fetch("/livez", { cache: "no-store" }).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) connectionWorks();
    else if (lost) askAgain();
  }, ASK_AGAIN_MS);
}

window.addEventListener("offline", connectionLost);
