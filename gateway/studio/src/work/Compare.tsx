import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import type { Job } from "../api/client.ts";
import { useWork, useWorks } from "../api/queries.ts";
import { DEFAULT_STYLES } from "../lib/choices.ts";
import { when } from "../lib/format.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Empty, Loading, Section, Segmented, Select } from "../ui/parts.tsx";
import { titleOf } from "../works/deleting.ts";
import { useNames } from "./useNames.ts";
import "./work.css";

/** Two films side by side: seen together, one of them heard, and what differs between them. */
export function Compare() {
  const { t } = useTranslation();
  const { id = "", other } = useParams();
  const navigate = useNavigate();
  const works = useWorks();
  const finished = (works.data?.pages ?? [])
    .flatMap((page) => page.jobs)
    .filter((job) => job.state === "done" && job.id !== id);
  const chosen = other ?? finished[0]?.id;
  const [left, right] = [useWork(id), useWork(chosen ?? id)];
  usePageTitle(t("compare.title"));
  const error = left.error ?? right.error ?? works.error;
  if (error) return <Failure error={error} />;
  if (!left.data || !right.data || works.isPending) return <Loading label={t("loading")} />;
  return (
    <article className="compare">
      <header className="work-head">
        <Link className="back" to={`/works/${id}`}>
          <Icon name="back" small /> {titleOf(left.data)}
        </Link>
        <h1>{t("compare.title")}</h1>
        <CompareWith chosen={right.data} others={finished} go={(next) => navigate(`/works/${id}/compare/${next}`)} />
      </header>
      {chosen ? (
        <>
          <Pair left={left.data} right={right.data} />
          <Differences left={left.data} right={right.data} />
        </>
      ) : (
        <Empty icon="film" title={t("compare.none")} />
      )}
    </article>
  );
}

function CompareWith({ chosen, others, go }: { chosen: Job; others: Job[]; go: (id: string) => void }) {
  const { t, i18n } = useTranslation();
  const listed = others.some((job) => job.id === chosen.id) ? others : [chosen, ...others];
  const options = listed.map((job) => ({
    value: job.id,
    label: `${titleOf(job)} · ${when(job.create_time, i18n.language)}`,
  }));
  return <Select label={t("compare.with")} value={chosen.id} options={options} onChange={go} />;
}

type Heard = "left" | "right";

function Pair({ left, right }: { left: Job; right: Job }) {
  const { t } = useTranslation();
  const videos = { left: useRef<HTMLVideoElement>(null), right: useRef<HTMLVideoElement>(null) };
  const [heard, setHeard] = useState<Heard>("left");
  const both = () => Object.values(videos).flatMap(({ current }) => current ?? []);
  const play = () => {
    const paused = both().every((video) => video.paused || video.ended);
    for (const video of both()) {
      if (!paused) video.pause();
      else {
        video.currentTime = 0;
        void video.play().catch(() => undefined);
      }
    }
  };
  return (
    <>
      <div className="compare-tools">
        <Button look="primary" icon="play" onClick={play}>
          {t("compare.play")}
        </Button>
        <Segmented
          label={t("compare.heard")}
          value={heard}
          options={(["left", "right"] as const).map((value) => ({ value, label: t(`compare.${value}`) }))}
          onChange={setHeard}
        />
      </div>
      <div className="compare-pair">
        {([left, right] as const).map((job, index) => {
          const side: Heard = index === 0 ? "left" : "right";
          const { width = 1080, height = 1920 } = job.request;
          return (
            <figure key={side}>
              <div className="stage" style={{ aspectRatio: `${width} / ${height}` }}>
                <video
                  ref={videos[side]}
                  src={job.outputs["film.mp4"]?.url}
                  poster={job.outputs["cover.jpg"]?.url}
                  muted={heard !== side}
                  controls
                  playsInline
                  preload="metadata"
                  aria-label={`${t(`compare.${side}`)}: ${titleOf(job)}`}
                />
              </div>
              <figcaption>
                <Link to={`/works/${job.id}`}>{titleOf(job)}</Link>
              </figcaption>
            </figure>
          );
        })}
      </div>
    </>
  );
}

/** What was asked for otherwise, sentences among it. */
function Differences({ left, right }: { left: Job; right: Job }) {
  const { t } = useTranslation();
  const said = new Set(left.segments.map((segment) => segment.text));
  const saidToo = new Set(right.segments.map((segment) => segment.text));
  const sentences = [
    [left.segments.filter((segment) => !saidToo.has(segment.text)), "left"],
    [right.segments.filter((segment) => !said.has(segment.text)), "right"],
  ] as const;
  const shown = useShown();
  const settings = differing(left.request, right.request);
  const same = settings.length === 0 && sentences.every(([only]) => only.length === 0);
  return (
    <Section title={t("compare.differences")}>
      {same && <p>{t("compare.same")}</p>}
      {sentences.map(
        ([only, side]) =>
          only.length > 0 && (
            <div key={side} className="compare-only">
              <h3>{t("compare.only", { side: t(`compare.${side}`) })}</h3>
              <ul>
                {only.map((segment) => (
                  <li key={segment.char_start}>{segment.text}</li>
                ))}
              </ul>
            </div>
          ),
      )}
      {settings.length > 0 && (
        <dl className="facts">
          {settings.map(([name, one, two]) => (
            <div key={name}>
              <dt>{t(`compare.fields.${name}`, { defaultValue: name })}</dt>
              <dd>
                {shown(name, one)} → {shown(name, two)}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Section>
  );
}

function differing(left: Job["request"], right: Job["request"]): [string, unknown, unknown][] {
  const others = right as Record<string, unknown>;
  return Object.entries(left)
    .filter(([name, value]) => name !== "script" && JSON.stringify(value) !== JSON.stringify(others[name]))
    .map(([name, value]) => [name, value, others[name]]);
}

/** A setting as the pages call it that it was chosen on. */
function useShown(): (field: string, value: unknown) => string {
  const { t } = useTranslation();
  const names = useNames();
  return (field, value) => {
    if (field === "voice") return names.voice(String(value ?? ""));
    if (field in DEFAULT_STYLES)
      return names.entry(String(value || DEFAULT_STYLES[field as keyof typeof DEFAULT_STYLES]));
    if (ENTRIES.has(field) && value) return names.entry(String(value));
    if (typeof value === "boolean") return t(value ? "compare.on" : "compare.off");
    if (field === "speed") return `${Number(value ?? 1).toFixed(2)}×`;
    if (field === "captions") return t(value === "files_only" ? "settings.filesOnly" : "look.drawn");
    if (field in CHOICES)
      return t(`${field}.${value || CHOICES[field]}` as "quality.draft", { defaultValue: plain(value) });
    return plain(value);
  };
}

/** Fields that name an entry of the library. */
const ENTRIES = new Set(["footage", "music"]);
/** Fields of which one of a few is chosen, and what is chosen where they say nothing. */
const CHOICES: Record<string, string> = { quality: "standard", loudness: "online", platform: "any", language: "auto" };

function plain(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text.length > 24 ? `${text.slice(0, 8)}…` : text;
}
