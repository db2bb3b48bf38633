import type { UseQueryResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Footage } from "../api/client.ts";
import { choose, useChoices } from "../lib/choices.ts";
import { clock, nameOf } from "../lib/format.ts";
import { useScrollToChosen } from "../lib/useScrollToChosen.ts";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Loading, Section } from "../ui/parts.tsx";

export function PresenterPicker({ footage }: { footage: UseQueryResult<{ items: Footage[] }> }) {
  const { t, i18n } = useTranslation();
  const { request } = useChoices();
  const items = footage.data?.items ?? [];
  const chosen = chosenFootage(items, request.footage ?? "");
  const list = useScrollToChosen<HTMLDivElement>(chosen?.id);
  return (
    <Section
      title={t("presenter.title")}
      aside={
        <Link className="aside-link" to="/library/footage">
          <Icon name="upload" small /> {t("presenter.upload")}
        </Link>
      }
    >
      {footage.isPending && <Loading label={t("loading")} />}
      {footage.error && <Failure error={footage.error} />}
      <div className="presenters" role="radiogroup" aria-label={t("presenter.title")} ref={list}>
        {items.map((entry) => (
          <label key={entry.id} className={entry === chosen ? "presenter presenter-on" : "presenter"}>
            <input
              type="radio"
              name="footage"
              checked={entry === chosen}
              onChange={() => choose({ footage: entry.id })}
            />
            <span className="presenter-picture">
              {entry.poster_url ? <img src={entry.poster_url} alt="" loading="lazy" /> : <Icon name="video" />}
            </span>
            <span className="presenter-name">{nameOf(entry, i18n.language)}</span>
            <span className="hint">
              {entry.frames > 1 ? clock(entry.duration_s) : t("presenter.picture")} · {entry.width}×{entry.height}
            </span>
          </label>
        ))}
      </div>
    </Section>
  );
}

/** The footage that is named, else the one that the gateway takes by itself. */
export function chosenFootage(items: Footage[], id: string): Footage | undefined {
  return items.find((entry) => entry.id === id) ?? items.find((entry) => entry.bundled);
}
