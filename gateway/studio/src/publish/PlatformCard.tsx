import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Switch } from "../ui/parts.tsx";
import { Connector } from "./Connector.tsx";
import { Posts } from "./Posts.tsx";
import { RuleList } from "./RuleList.tsx";
import { TextFields } from "./TextFields.tsx";
import type { Draft, Platform, Rule, usePublication } from "./usePublication.ts";

type Props = { job: Job; platform: Platform; draft: Draft; publication: ReturnType<typeof usePublication> };

/** What one platform takes, what of it the film keeps, and how it gets there. */
export function PlatformCard({ job, platform, draft, publication }: Props) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const rules = publication.query.data?.checks[platform.id] ?? [];
  const posts = (publication.query.data?.posts ?? []).filter((post) => post.platform === platform.id);
  const name = platform.names[i18n.language] ?? platform.id;
  return (
    <article className="card platform" aria-labelledby={id}>
      <header className="card-head">
        <h2 id={id}>{name}</h2>
        <Verdict rules={rules} posted={posts.length > 0} />
      </header>
      <RuleList rules={rules} platform={platform} />
      <Own platform={platform} draft={draft} name={name} onChange={publication.change} />
      <Covers job={job} platform={platform} frame={draft.cover_frame ?? null} />
      <div className="platform-actions">
        <PackButton job={job} platform={platform} before={publication.flush} />
        <a className="button button-plain" href={platform.creator_url} target="_blank" rel="noopener noreferrer">
          <Icon name="external" /> {t("publish.open")}
          <span className="hidden">{t("publish.newTab", { name })}</span>
        </a>
      </div>
      <Connector job={job} platform={platform} name={name} before={publication.flush} />
      <Posts platform={platform} name={name} posts={posts} post={publication.post} unpost={publication.unpost} />
    </article>
  );
}

function Verdict({ rules, posted }: { rules: Rule[]; posted: boolean }) {
  const { t } = useTranslation();
  const bad = rules.filter((rule) => rule.state === "bad").length;
  const look = rules.filter((rule) => rule.state === "warning").length;
  const [kind, icon, words] = posted
    ? (["done", "check", t("publish.posted")] as const)
    : bad > 0
      ? (["failed", "alert", t("publish.bad", { count: bad })] as const)
      : look > 0
        ? (["warned", "warning", t("publish.warned", { count: look })] as const)
        : (["done", "done", t("publish.fits")] as const);
  return (
    <span className={`badge badge-${kind}`}>
      <Icon name={icon} small />
      {words}
    </span>
  );
}

type OwnProps = { platform: Platform; draft: Draft; name: string; onChange: (part: Partial<Draft>) => void };

/** Texts for this platform alone, which begin as those for all. */
function Own({ platform, draft, name, onChange }: OwnProps) {
  const { t } = useTranslation();
  const own = draft.own?.[platform.id];
  const turn = (on: boolean) => {
    const { [platform.id]: _, ...others } = draft.own ?? {};
    onChange({ own: on ? { ...others, [platform.id]: draft.texts ?? {} } : others });
  };
  return (
    <div className="platform-own">
      <Switch
        label={t("publish.own")}
        hint={t("publish.ownHint", { name })}
        checked={own !== undefined}
        onChange={turn}
      />
      {own && (
        <TextFields
          texts={own}
          withoutTitle={platform.title === null}
          onChange={(texts) => onChange({ own: { ...draft.own, [platform.id]: texts } })}
        />
      )}
    </div>
  );
}

/** Covers are drawn by the gateway, and only once somebody looks. */
function Covers({ job, platform, frame }: { job: Job; platform: Platform; frame: number | null }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <details className="covers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("publish.covers", { count: platform.covers.length })}</summary>
      {open && (
        <ul>
          {platform.covers.map(({ width, height }, size) => (
            <li key={`${width}x${height}`}>
              <img
                src={`/api/v1/jobs/${job.id}/covers/${platform.id}?size=${size}${frame === null ? "" : `&frame=${frame}`}`}
                width={width}
                height={height}
                alt={t("publish.coverOf", { size: `${width}×${height}` })}
              />
              <span className="hint">
                {width}×{height}
              </span>
            </li>
          ))}
        </ul>
      )}
    </details>
  );
}

/** Downloads the pack once what was written is kept: it is made of what the gateway has. */
function PackButton({ job, platform, before }: { job: Job; platform: Platform; before: () => Promise<void> }) {
  const { t, i18n } = useTranslation();
  const fetchPack = async () => {
    await before();
    const link = document.createElement("a");
    link.href = `/api/v1/jobs/${job.id}/packs/${platform.id}?language=${i18n.language}`;
    link.download = "";
    link.click();
  };
  return (
    <Button look="primary" icon="pack" onClick={fetchPack}>
      {t("publish.pack")}
    </Button>
  );
}
