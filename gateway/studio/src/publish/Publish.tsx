import { useInfiniteQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link, NavLink, useParams } from "react-router";
import { api, data, type Job } from "../api/client.ts";
import { useWork } from "../api/queries.ts";
import { when } from "../lib/format.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { useScrollToChosen } from "../lib/useScrollToChosen.ts";
import { Icon } from "../ui/Icon.tsx";
import { FailedQuery, Failure, isGone } from "../ui/Notice.tsx";
import { Empty, Loading } from "../ui/parts.tsx";
import { titleOf, useDeleted } from "../works/deleting.ts";
import { PublishWork } from "./PublishWork.tsx";
import "./publish.css";

const WORKS_A_PAGE = 24;
const NEAR_END_PX = 600;

export function Publish() {
  const { t } = useTranslation();
  const { id } = useParams();
  const works = useFinished();
  const deleted = useDeleted();
  const jobs = (works.data?.pages ?? []).flatMap((page) => page.jobs).filter((job) => !deleted.has(job.id));
  const chosen = id ?? jobs[0]?.id;
  usePageTitle(t("nav.publish"));
  return (
    <div className="publish">
      <header className="page-head">
        <h1>{t("nav.publish")}</h1>
        <p className="hint">{t("publish.lead")}</p>
      </header>
      {works.isPending && <Loading label={t("loading")} />}
      <FailedQuery query={works} />
      {works.data && jobs.length === 0 && !id && (
        <Empty icon="publish" title={t("publish.none")}>
          <Link className="button button-primary" to="/">
            {t("works.first")}
          </Link>
        </Empty>
      )}
      {jobs.length > 0 && (
        <Strip
          jobs={jobs}
          chosen={chosen}
          more={works.hasNextPage && !works.isFetchingNextPage ? () => void works.fetchNextPage() : undefined}
        />
      )}
      {chosen && <Chosen key={chosen} id={chosen} />}
    </div>
  );
}

/** Finished works, newest first. */
function useFinished() {
  return useInfiniteQuery({
    queryKey: ["works", "done"],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/api/v1/jobs", {
          params: { query: { page_size: WORKS_A_PAGE, page_token: pageParam, state: "done" } },
        }),
      ),
    getNextPageParam: (page) => page.next_page_token || undefined,
    staleTime: 0,
  });
}

function Strip({ jobs, chosen, more }: { jobs: Job[]; chosen: string | undefined; more: (() => void) | undefined }) {
  const { t, i18n } = useTranslation();
  const list = useScrollToChosen<HTMLUListElement>(chosen);
  return (
    <ul
      className="strip"
      aria-label={t("publish.works")}
      ref={list}
      onScroll={({ currentTarget: box }) => {
        if (box.scrollLeft + box.clientWidth > box.scrollWidth - NEAR_END_PX) more?.();
      }}
    >
      {jobs.map((job) => (
        <li key={job.id}>
          <NavLink
            className={job.id === chosen ? "strip-card active" : "strip-card"}
            aria-current={job.id === chosen ? "page" : undefined}
            to={`/publish/${job.id}`}
            preventScrollReset
          >
            <span className="strip-cover">
              {job.outputs["cover.jpg"] ? (
                <img src={job.outputs["cover.jpg"].url} alt="" loading="lazy" />
              ) : (
                <Icon name="film" />
              )}
            </span>
            <span className="strip-title">{titleOf(job)}</span>
            <span className="hint">{when(job.create_time, i18n.language)}</span>
          </NavLink>
        </li>
      ))}
    </ul>
  );
}

function Chosen({ id }: { id: string }) {
  const { t } = useTranslation();
  const work = useWork(id);
  if (isGone(work.error)) {
    return (
      <Empty icon="film" title={t("work.gone")}>
        <Link className="button button-primary" to="/publish">
          {t("publish.others")}
        </Link>
      </Empty>
    );
  }
  if (work.error) return <Failure error={work.error} />;
  if (!work.data) return <Loading label={t("loading")} />;
  return <PublishWork job={work.data} />;
}
