import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { type Job, reach } from "../api/client.ts";

const NEARLY_OVER_S = 1.5;
const ASK_AGAIN_MS = 500;

/** The address of what can be watched of a job, whether its viewer waits for more, and how to go to a place in it.
 *
 * While a film is made, each longer preview takes the place of the one before. What is played is fetched whole, so that
 * it does not change while it plays, and only once the viewer has come near its end.
 */
export function useGrowingPreview(job: Job, video: RefObject<HTMLVideoElement | null>) {
  const film = job.outputs["film.mp4"]?.url;
  const [preview, setPreview] = useState<{ url: string; playable_s: number }>();
  const [waiting, setWaiting] = useState(false);
  const place = useRef({ time_s: 0, playing: false });
  const wanted_s = useRef<number>(undefined);
  const playable_s = job.progress.playable_s;
  const more = !film && playable_s > (preview?.playable_s ?? 0);

  useEffect(() => {
    if (!more) return;
    const leaving = new AbortController();
    const look = async () => {
      if (leaving.signal.aborted) return;
      if (preview && !isNearlyOver(video.current)) {
        setTimeout(() => look().catch(() => undefined), ASK_AGAIN_MS);
        return;
      }
      const request = new Request(`/api/v1/jobs/${job.id}/preview`, { signal: leaving.signal, cache: "no-store" });
      const blob = await reach(request).then(
        (response) => (response.ok ? response.blob() : undefined),
        () => undefined,
      );
      if (blob && !leaving.signal.aborted) setPreview({ url: URL.createObjectURL(blob), playable_s });
    };
    look().catch(() => undefined);
    return () => leaving.abort();
  }, [more, playable_s, preview, job.id, video]);

  const source = film ?? preview?.url;
  useEffect(() => () => preview && URL.revokeObjectURL(preview.url), [preview]);
  useContinued(video, source, place, wanted_s);
  useEffect(() => {
    const element = video.current;
    if (!element || film || !source) return setWaiting(false);
    const over = () => setWaiting(true);
    const on = () => setWaiting(false);
    element.addEventListener("ended", over);
    element.addEventListener("playing", on);
    return () => {
      element.removeEventListener("ended", over);
      element.removeEventListener("playing", on);
    };
  }, [video, film, source]);
  const seek = useCallback(
    (to_s: number) => {
      const element = video.current;
      if (!element) return;
      // What is finished but not fetched yet is fetched at the end, and then begins there.
      wanted_s.current = to_s >= element.duration ? to_s : undefined;
      element.currentTime = Math.max(0, to_s);
      if (wanted_s.current === undefined) void element.play().catch(() => undefined);
    },
    [video],
  );
  return { source, seek, waiting: waiting && !film && (job.state === "running" || job.state === "queued") };
}

/** When the source changes, playing goes on where it was. */
function useContinued(
  video: RefObject<HTMLVideoElement | null>,
  source: string | undefined,
  place: RefObject<{ time_s: number; playing: boolean }>,
  wanted_s: RefObject<number | undefined>,
) {
  const before = useRef<string>(undefined);
  if (before.current !== source && video.current) place.current = placeOf(video.current);
  useEffect(() => {
    const element = video.current;
    const first = before.current === undefined;
    const changed = before.current !== source;
    before.current = source;
    if (!element || first || !changed) return;
    const { playing } = place.current;
    const time_s = wanted_s.current ?? place.current.time_s;
    wanted_s.current = undefined;
    const goOn = () => {
      element.currentTime = time_s;
      if (playing) void element.play().catch(() => undefined);
    };
    element.addEventListener("loadedmetadata", goOn, { once: true });
    return () => element.removeEventListener("loadedmetadata", goOn);
  }, [video, source, place, wanted_s]);
}

function placeOf(element: HTMLVideoElement | null): { time_s: number; playing: boolean } {
  if (!element) return { time_s: 0, playing: false };
  return { time_s: element.currentTime, playing: !element.paused || element.ended };
}

function isNearlyOver(element: HTMLVideoElement | null): boolean {
  if (!element || Number.isNaN(element.duration)) return true;
  return !element.paused ? element.duration - element.currentTime < NEARLY_OVER_S : element.ended;
}
