import { useEffect, useState } from "react";

/** `value` once it has not changed for a while; compared by content. */
export function useDebounced<T>(value: T, after_ms: number): T {
  const [settled, setSettled] = useState(value);
  const key = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(key) as T), after_ms);
    return () => clearTimeout(timer);
  }, [key, after_ms]);
  return settled;
}
