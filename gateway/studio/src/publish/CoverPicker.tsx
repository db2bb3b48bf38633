import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { Button } from "../ui/Button.tsx";
import { Section, Slider } from "../ui/parts.tsx";

const FRAMES_A_SECOND = 25;

type Props = { job: Job; frames: number; frame: number | null; onChange: (frame: number | null) => void };

/** The cover: the one that the film chose, or any of its frames. */
export function CoverPicker({ job, frames, frame, onChange }: Props) {
  const { t } = useTranslation();
  const video = useRef<HTMLVideoElement>(null);
  const { width = 1080, height = 1920 } = job.request;
  const cover = job.outputs["cover.jpg"]?.url;
  useEffect(() => {
    // The middle of the frame, so that rounding shows no neighbour.
    if (video.current && frame !== null) video.current.currentTime = (frame + 0.5) / FRAMES_A_SECOND;
  }, [frame]);
  return (
    <Section title={t("publish.cover")}>
      <div className="stage cover-stage" style={{ aspectRatio: `${width} / ${height}` }}>
        <video
          ref={video}
          src={job.outputs["film.mp4"]?.url}
          muted
          playsInline
          preload="metadata"
          hidden={frame === null}
          aria-label={t("publish.coverFrame")}
        />
        {frame === null && cover && <img src={cover} alt={t("publish.coverChosen")} />}
      </div>
      <Slider
        label={t("publish.frame")}
        value={frame ?? 0}
        min={0}
        max={Math.max(0, frames - 1)}
        step={1}
        text={frame === null ? "–" : `${(frame / FRAMES_A_SECOND).toFixed(2)} s`}
        onChange={onChange}
      />
      {frame !== null && (
        <Button look="quiet" icon="undo" onClick={() => onChange(null)}>
          {t("publish.coverOwn")}
        </Button>
      )}
    </Section>
  );
}
