import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Job } from "../api/client.ts";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Loading, Section } from "../ui/parts.tsx";
import { titleOf } from "../works/deleting.ts";
import { CoverPicker } from "./CoverPicker.tsx";
import { PlatformCard } from "./PlatformCard.tsx";
import { TextFields } from "./TextFields.tsx";
import { usePlatforms, usePublication } from "./usePublication.ts";

/** A work with the texts, the cover and the card of each platform. */
export function PublishWork({ job }: { job: Job }) {
  const { t } = useTranslation();
  const platforms = usePlatforms();
  const publication = usePublication(job.id);
  const { query, draft, change, write } = publication;
  const error = query.error ?? platforms.error;
  if (error) return <Failure error={error} />;
  if (!query.data || !draft || !platforms.data) return <Loading label={t("loading")} />;
  return (
    <div className="publish-work">
      <div className="publish-side">
        <CoverPicker
          job={job}
          frames={query.data.frames}
          frame={draft.cover_frame ?? null}
          onChange={(cover_frame) => change({ cover_frame })}
        />
        <Link className="aside-link" to={`/works/${job.id}`}>
          <Icon name="film" small /> {t("publish.toWork", { title: titleOf(job) })}
        </Link>
      </div>
      <div className="publish-main">
        <Section
          title={t("publish.texts")}
          aside={
            <p className="hint" role="status">
              {t(write.isPending ? "publish.saving" : write.isSuccess ? "publish.saved" : "publish.textsHint")}
            </p>
          }
        >
          <TextFields texts={draft.texts ?? {}} onChange={(texts) => change({ texts })} />
          {write.error && <Failure error={write.error} />}
        </Section>
        <ul className="platforms" aria-label={t("publish.platforms")}>
          {platforms.data.items.map((platform) => (
            <li key={platform.id}>
              <PlatformCard job={job} platform={platform} draft={draft} publication={publication} />
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
