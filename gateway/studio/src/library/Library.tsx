import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Navigate, NavLink, useParams } from "react-router";
import type { Footage, Style } from "../api/client.ts";
import { useLibrary } from "../api/queries.ts";
import type { Entry, Kind } from "../api/upload.ts";
import { stopSound } from "../lib/sound.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { useScrollToChosen } from "../lib/useScrollToChosen.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Empty, Loading } from "../ui/parts.tsx";
import { EntryCard } from "./EntryCard.tsx";
import { Preflight } from "./Preflight.tsx";
import { useRemoved } from "./removing.ts";
import { StyleEditor } from "./styles/StyleEditor.tsx";
import { Uploader } from "./Uploader.tsx";
import "./library.css";

const KINDS: Record<Kind, IconName> = {
  footage: "video",
  voices: "voice",
  music: "music",
  fonts: "font",
  styles: "style",
};

export function Library() {
  const { t } = useTranslation();
  const { kind = "footage" } = useParams();
  const tabs = useScrollToChosen<HTMLElement>(kind);
  usePageTitle(t("nav.library"));
  useEffect(() => stopSound, []);
  if (!(kind in KINDS)) return <Navigate to="/library/footage" replace />;
  return (
    <div className="library">
      <header className="page-head">
        <h1>{t("nav.library")}</h1>
      </header>
      <nav ref={tabs} className="tabs" aria-label={t("nav.library")}>
        {(Object.keys(KINDS) as Kind[]).map((each) => (
          <NavLink key={each} to={`/library/${each}`} className="tab">
            <Icon name={KINDS[each]} small /> {t(`kind.${each}`)}
          </NavLink>
        ))}
      </nav>
      <Uploader key={kind} kind={kind as Kind} />
      <Entries key={`entries ${kind}`} kind={kind as Kind} />
    </div>
  );
}

function Entries({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const query = useLibrary()[kind];
  const removed = useRemoved();
  const items = ((query.data?.items ?? []) as Entry[]).filter((entry) => !removed.has(entry.id));
  const [opened, setOpened] = useState<Entry>();
  const close = () => setOpened(undefined);
  return (
    <>
      {opened && kind === "styles" && <StyleEditor key={opened.id} base={opened as Style} close={close} />}
      {opened && kind === "footage" && <Preflight key={opened.id} footage={opened as Footage} close={close} />}
      {query.isPending && <Loading label={t("loading")} />}
      {query.error && <Failure error={query.error} />}
      {query.data && items.length === 0 && <Empty icon={KINDS[kind]} title={t(`empty.${kind}`)} />}
      <ul className={`entries entries-${kind}`}>
        {items.map((entry) => (
          <EntryCard
            key={entry.id}
            kind={kind}
            entry={entry}
            onOpen={kind === "styles" || kind === "footage" ? () => setOpened(entry) : undefined}
          />
        ))}
      </ul>
    </>
  );
}
