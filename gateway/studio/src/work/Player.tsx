import { forwardRef, useEffect, useImperativeHandle, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { clock } from "../lib/format.ts";
import { stopSound } from "../lib/sound.ts";
import { useShortcut } from "../shell/shortcuts.ts";
import { Icon } from "../ui/Icon.tsx";
import { useGrowingPreview } from "./useGrowingPreview.ts";

const FRAME_S = 0.04;
const JUMP_S = 5;

export type PlayerHandle = { seek: (to_s: number) => void };

type Props = { job: Job; onTime: (time_s: number) => void };

/** The film, or as much of it as is finished: it plays on by itself when more is there. */
export const Player = forwardRef<PlayerHandle, Props>(function Player({ job, onTime }, handle) {
  const { t } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const film = job.outputs["film.mp4"];
  const { source, waiting, seek } = useGrowingPreview(job, video);
  const { width = 1080, height = 1920 } = job.request;
  useImperativeHandle(handle, () => ({ seek }), [seek]);
  usePlayerKeys(video);
  useFrameTimes(video, onTime, source);
  return (
    <div className="player">
      <div className="stage" style={{ aspectRatio: `${width} / ${height}` }}>
        {source ? (
          <video
            ref={video}
            src={source}
            controls
            playsInline
            preload="metadata"
            aria-label={t(film ? "player.film" : "player.preview")}
            {...(film && job.outputs["cover.jpg"] && { poster: job.outputs["cover.jpg"].url })}
            onPlay={stopSound}
          />
        ) : (
          <p className="stage-empty">
            <Icon name={job.state === "failed" || job.state === "cancelled" ? "film" : "loading"} />
            {t(job.state === "failed" || job.state === "cancelled" ? "player.none" : "player.soon")}
          </p>
        )}
        {waiting && (
          <p className="stage-waiting" role="status">
            <Icon name="loading" small /> {t("player.waiting")}
          </p>
        )}
      </div>
      {!film && job.progress.playable_s > 0 && (
        <p className="hint player-hint">{t("player.finished", { time: clock(job.progress.playable_s) })}</p>
      )}
    </div>
  );
});

function usePlayerKeys(video: React.RefObject<HTMLVideoElement | null>) {
  const move = (by_s: number) => {
    if (video.current) video.current.currentTime += by_s;
  };
  const step = (by_s: number) => {
    video.current?.pause();
    move(by_s);
  };
  useShortcut("play", () => {
    const playing = video.current;
    if (playing?.paused) void playing.play().catch(() => undefined);
    else playing?.pause();
  });
  useShortcut("back", () => move(-JUMP_S));
  useShortcut("forward", () => move(JUMP_S));
  useShortcut("previousFrame", () => step(-FRAME_S));
  useShortcut("nextFrame", () => step(FRAME_S));
}

/** Tells the time of every frame that is shown; `timeupdate` comes only four times a second. */
function useFrameTimes(
  video: React.RefObject<HTMLVideoElement | null>,
  onTime: (time_s: number) => void,
  source: string | undefined,
) {
  const [playing, setPlaying] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the element is another one when the source comes
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    const changed = () => {
      setPlaying(!element.paused);
      onTime(element.currentTime);
    };
    const events = ["play", "pause", "ended", "seeked"];
    for (const event of events) element.addEventListener(event, changed);
    return () => {
      for (const event of events) element.removeEventListener(event, changed);
    };
  }, [video, onTime, source]);
  useEffect(() => {
    if (!playing) return;
    let frame = requestAnimationFrame(function tell() {
      if (video.current) onTime(video.current.currentTime);
      frame = requestAnimationFrame(tell);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, video, onTime]);
}
