import type { TFunction } from "i18next";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useLocation, useNavigate, useParams } from "react-router";
import { ApiError, type Job } from "../api/client.ts";
import { useLiveWork, useWork, useWorkActions } from "../api/queries.ts";
import { adopt } from "../lib/choices.ts";
import { when } from "../lib/format.ts";
import { notify } from "../lib/notify.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { FailedQuery, Failure, isGone, Notice } from "../ui/Notice.tsx";
import { Empty, Loading } from "../ui/parts.tsx";
import { tell } from "../ui/Toasts.tsx";
import { deleteLater, titleOf, useDeleted } from "../works/deleting.ts";
import { StateBadge } from "../works/StateBadge.tsx";
import { Downloads } from "./Downloads.tsx";
import { Player, type PlayerHandle } from "./Player.tsx";
import { Report } from "./Report.tsx";
import { Settings } from "./Settings.tsx";
import { Stages } from "./Stages.tsx";
import { Transcript } from "./Transcript.tsx";
import "./work.css";

export function Work() {
  const { t } = useTranslation();
  const { id = "" } = useParams();
  const work = useWork(id);
  const deleted = useDeleted();
  useLiveWork(work.data);
  if (deleted.has(id) || isGone(work.error)) {
    return (
      <Empty icon="film" title={t("work.gone")}>
        <Link className="button button-primary" to="/works">
          {t("work.toWorks")}
        </Link>
      </Empty>
    );
  }
  if (work.data) return <Shown key={id} job={work.data} />;
  if (work.error) return <FailedQuery query={work} />;
  return <Loading label={t("loading")} />;
}

const isWorking = (job: Job) => job.state === "queued" || job.state === "running";

function Shown({ job }: { job: Job }) {
  const { t, i18n } = useTranslation();
  const player = useRef<PlayerHandle>(null);
  const [time_s, setTime] = useState(0);
  const working = isWorking(job);
  const title = titleOf(job);
  usePageTitle(working ? `${Math.floor(job.progress.percent)} % · ${title}` : title);
  useAnnouncedEnd(job);
  const seek = useCallback((to_s: number) => player.current?.seek(to_s), []);
  return (
    <article className="work">
      <header className="work-head">
        <Link className="back" to="/works">
          <Icon name="back" small /> {t("nav.works")}
        </Link>
        <h1>{title}</h1>
        <p className="work-facts">
          <StateBadge job={job} />
          <time dateTime={job.create_time}>{when(job.create_time, i18n.language)}</time>
        </p>
        <Actions job={job} />
        {job.state === "failed" && <Failed job={job} />}
      </header>
      <div className="work-left">
        <Player ref={player} job={job} onTime={setTime} />
        {job.state === "done" && <Downloads job={job} />}
      </div>
      <div className="work-right">
        {working && <Stages job={job} />}
        {job.state === "cancelled" && <Notice tone="info">{cancelledWords(t, job)}</Notice>}
        <Transcript job={job} time_s={time_s} onSeek={seek} />
        {job.state === "done" && <Report job={job} />}
        <Settings job={job} />
      </div>
    </article>
  );
}

function cancelledWords(t: TFunction, job: Job): string {
  const { segments_done, segments_total } = job.progress;
  if (segments_done === 0) return t("work.cancelledNothing");
  return t("work.cancelled", { count: segments_done, total: segments_total });
}

function Failed({ job }: { job: Job }) {
  const { t } = useTranslation();
  const copy = async () => {
    await navigator.clipboard.writeText(job.id);
    tell(t("work.copied"));
  };
  return (
    <div className="failed">
      <Failure error={job.error && new ApiError(job.error)} />
      <p className="failed-id">
        {t("work.id")} <code>{job.id}</code>
        {navigator.clipboard && (
          <Button look="quiet" icon="copy" onClick={copy}>
            {t("work.copy")}
          </Button>
        )}
      </p>
    </div>
  );
}

function Actions({ job }: { job: Job }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { cancel, retry } = useWorkActions();
  const stopped = job.state === "failed" || job.state === "cancelled";
  const duplicate = () => {
    const undo = adopt(job.request);
    navigate("/");
    tell(t("work.duplicated"), undo);
  };
  const remove = () => {
    deleteLater(job, t("work.deleted", { title: titleOf(job) }), t("work.notDeleted"));
    navigate("/works");
  };
  return (
    <div className="work-actions">
      {stopped && (
        <Button look="primary" icon="retry" busy={retry.isPending} onClick={() => retry.mutate(job.id)}>
          {t("work.retry")}
        </Button>
      )}
      {job.state === "done" && <DoneLinks job={job} />}
      <Button icon="copy" onClick={duplicate}>
        {t("work.duplicate")}
      </Button>
      {isWorking(job) ? (
        <Button look="danger" icon="stop" busy={cancel.isPending} onClick={() => cancel.mutate(job.id)}>
          {t("work.cancel")}
        </Button>
      ) : (
        <Button look="danger" icon="delete" onClick={remove}>
          {t("work.delete")}
        </Button>
      )}
      {(cancel.error || retry.error) && <Failure error={cancel.error ?? retry.error} />}
    </div>
  );
}

/** To the platforms, and to the film that this one was made from, else to any other. */
function DoneLinks({ job }: { job: Job }) {
  const { t } = useTranslation();
  const before: unknown = useLocation().state?.before;
  return (
    <>
      <Link className="button button-plain" to={`/publish/${job.id}`}>
        <Icon name="publish" /> {t("nav.publish")}
      </Link>
      <Link
        className="button button-plain"
        to={`/works/${job.id}/compare${typeof before === "string" ? `/${before}` : ""}`}
      >
        <Icon name="compare" /> {t("compare.open")}
      </Link>
    </>
  );
}

/** Says once that a film which was being made has ended. */
function useAnnouncedEnd(job: Job) {
  const { t } = useTranslation();
  const before = useRef(job.state);
  useEffect(() => {
    const was = before.current;
    before.current = job.state;
    if ((was === "queued" || was === "running") && job.state === "done") {
      tell(t("work.ready"));
      notify(titleOf(job), t("work.ready"));
    }
  }, [job, t]);
}
