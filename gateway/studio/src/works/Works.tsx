import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Job } from "../api/client.ts";
import { useWorks } from "../api/queries.ts";
import { clock, when } from "../lib/format.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { Icon } from "../ui/Icon.tsx";
import { FailedQuery, useFailureWords } from "../ui/Notice.tsx";
import { Bar, Empty, Loading } from "../ui/parts.tsx";
import { titleOf, useDeleted } from "./deleting.ts";
import { StateBadge } from "./StateBadge.tsx";
import "./works.css";

const LEAST_CARD_PX = 210;
const GAP_PX = 20;
const ROW_PX = 372; // a cover, two lines of title, and state above date where the card is narrow
const FRAMES_A_SECOND = 25;
const AGAIN_MS = 3000;

export function Works() {
  const { t } = useTranslation();
  const works = useWorks();
  const deleted = useDeleted();
  usePageTitle(t("nav.works"));
  const jobs = (works.data?.pages ?? []).flatMap((page) => page.jobs).filter((job) => !deleted.has(job.id));
  useRenewedWhileWorking(jobs, works.refetch);
  return (
    <div className="works">
      <header className="page-head">
        <h1>{t("nav.works")}</h1>
        <div className="works-new">
          <Link className="button button-plain" to="/batch">
            <Icon name="table" /> {t("batch.title")}
          </Link>
          <Link className="button button-primary" to="/">
            <Icon name="plus" /> {t("works.new")}
          </Link>
        </div>
      </header>
      {works.isPending && <Loading label={t("loading")} />}
      <FailedQuery query={works} />
      {works.data && jobs.length === 0 && (
        <Empty icon="film" title={t("works.none")}>
          <p>{t("works.noneHint")}</p>
          <Link className="button button-primary" to="/">
            {t("works.first")}
          </Link>
        </Empty>
      )}
      {jobs.length > 0 && (
        <Grid
          jobs={jobs}
          more={works.hasNextPage && !works.isFetchingNextPage ? () => void works.fetchNextPage() : undefined}
        />
      )}
      {works.isFetchingNextPage && <Loading label={t("loading")} />}
    </div>
  );
}

/** Rows of cards, of which only those near the window exist; more works are asked for as the last come near. */
function Grid({ jobs, more }: { jobs: Job[]; more: (() => void) | undefined }) {
  const box = useRef<HTMLUListElement>(null);
  const [columns, setColumns] = useState(4);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      setColumns(Math.max(2, Math.floor((element.clientWidth + GAP_PX) / (LEAST_CARD_PX + GAP_PX))));
      setOffset(element.getBoundingClientRect().top + window.scrollY);
    };
    measure(); // before the first paint; what the observer says comes after it
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const rows = useWindowVirtualizer({
    count: Math.ceil(jobs.length / columns),
    estimateSize: () => ROW_PX,
    gap: GAP_PX,
    overscan: 2,
    scrollMargin: offset,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const nearEnd = (last + 2) * columns >= jobs.length;
  useEffect(() => {
    if (nearEnd) more?.();
  }, [nearEnd, more]);
  return (
    <ul ref={box} className="grid" style={{ height: rows.getTotalSize() }}>
      {items.map((row) =>
        jobs.slice(row.index * columns, (row.index + 1) * columns).map((job, column) => (
          <li
            key={job.id}
            className="grid-card"
            style={{
              transform: `translateY(${row.start - rows.options.scrollMargin}px)`,
              height: ROW_PX,
              width: `calc((100% - ${(columns - 1) * GAP_PX}px) / ${columns})`,
              left: `calc((100% + ${GAP_PX}px) / ${columns} * ${column})`,
            }}
          >
            <WorkCard job={job} />
          </li>
        )),
      )}
    </ul>
  );
}

function WorkCard({ job }: { job: Job }) {
  const { t, i18n } = useTranslation();
  const failureWords = useFailureWords();
  const cover = job.outputs["cover.jpg"];
  const frames = job.segments.reduce((sum, segment) => sum + (segment.frames ?? 0), 0);
  return (
    <Link className="work-card" to={`/works/${job.id}`}>
      <span className="work-cover">
        {cover ? <img src={cover.url} alt="" loading="lazy" /> : <Icon name="film" />}
        {job.error && <span className="work-why">{failureWords(job.error).problem}</span>}
        {job.state === "done" && <span className="work-length">{clock(frames / FRAMES_A_SECOND)}</span>}
      </span>
      <span className="work-title">{titleOf(job)}</span>
      <span className="work-line">
        <StateBadge job={job} />
        <span className="hint">{when(job.create_time, i18n.language)}</span>
      </span>
      {job.state === "running" && <Bar label={t("stages.whole")} percent={job.progress.percent} />}
    </Link>
  );
}

function useRenewedWhileWorking(jobs: Job[], renew: () => unknown) {
  const working = jobs.some((job) => job.state === "queued" || job.state === "running");
  useEffect(() => {
    if (!working) return;
    const timer = setInterval(renew, AGAIN_MS);
    return () => clearInterval(timer);
  }, [working, renew]);
}
