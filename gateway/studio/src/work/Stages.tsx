import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { useQueuePlace } from "../api/queries.ts";
import { askToNotify, mayAsk } from "../lib/notify.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Bar, Section } from "../ui/parts.tsx";
import { tell } from "../ui/Toasts.tsx";

const STAGES = ["prepare", "segments", "mix"] as const;

/** How far a film is: every stage with its own bar, the place in the queue, and about how long it will take. */
export function Stages({ job }: { job: Job }) {
  const { t } = useTranslation();
  const { progress } = job;
  const before = useQueuePlace(job);
  const now = STAGES.indexOf(progress.stage as (typeof STAGES)[number]);
  const percentOf = (index: number) => (index < now ? 100 : index > now ? 0 : progress.stage_percent);
  return (
    <Section title={t("stages.title")} aside={<Left eta_s={progress.eta_s} />}>
      <div className="whole">
        <strong>{Math.floor(progress.percent)} %</strong>
        <Bar label={t("stages.whole")} percent={progress.percent} />
      </div>
      <p className="stage-now" role="status">
        {job.state === "queued"
          ? before === undefined
            ? t("stages.queued")
            : t("stages.place", { count: before })
          : waitsFor(progress.message) || t(`stages.now_${progress.stage}`, { defaultValue: progress.message })}
      </p>
      <ol className="stages">
        {STAGES.map((stage, index) => (
          <li key={stage} className={index === now ? "stage-row stage-row-now" : "stage-row"}>
            <Icon name={index < now ? "done" : index === now ? "loading" : "film"} small />
            <span>{t(`stages.${stage}`)}</span>
            <span className="hint">
              {stage === "segments" && progress.segments_total > 0
                ? `${progress.segments_done}/${progress.segments_total}`
                : ""}
            </span>
            <Bar label={t(`stages.${stage}`)} percent={percentOf(index)} />
          </li>
        ))}
      </ol>
      <p className="hint">{t("stages.leave")}</p>
      <Notify />
    </Section>
  );
}

function Notify() {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(mayAsk);
  if (!asking) return null;
  const ask = async () => {
    const allowed = await askToNotify();
    setAsking(mayAsk());
    if (allowed) tell(t("stages.notified"));
  };
  return (
    <Button look="quiet" icon="info" onClick={ask}>
      {t("stages.notify")}
    </Button>
  );
}

/** The server that work waits for, as the orchestrator says it; "" while it waits for none. */
function waitsFor(message: string): string {
  return message.startsWith("Waiting for ") && !message.includes("its turn") ? message : "";
}

function Left({ eta_s }: { eta_s: number | null }) {
  const { t } = useTranslation();
  if (eta_s === null) return null;
  const [least, most] = [0.8, 1.3].map((share) => Math.max(1, Math.round(eta_s * share)));
  const spoken = (seconds: number) =>
    seconds < 90 ? t("stages.seconds", { count: seconds }) : t("stages.minutes", { count: Math.round(seconds / 60) });
  const [from, to] = [spoken(least as number), spoken(most as number)];
  return <p className="counters">{from === to ? t("stages.about", { to }) : t("stages.between", { from, to })}</p>;
}
