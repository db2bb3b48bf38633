import { useMutation } from "@tanstack/react-query";
import { useId, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { ApiError, FilmRequest, Job } from "../api/client.ts";
import { currentChoices, withScript } from "../lib/choices.ts";
import { filled, tableOf, variablesOf } from "../lib/table.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure, Notice } from "../ui/Notice.tsx";
import { Section } from "../ui/parts.tsx";
import { StateBadge } from "../works/StateBadge.tsx";
import { order, useBatch, useOrdered } from "./useBatch.ts";
import "./batch.css";

const MOST_ROWS = 100;
const TRIAL = "trial";

/** A film for each row of a table: one row is tried first, then all are made with the settings of the Create page. */
export function Batch() {
  const { t } = useTranslation();
  usePageTitle(t("batch.title"));
  const { batch, write, ordered } = useBatch(() => {
    const { script, title = "" } = currentChoices().request;
    return { script, title };
  });
  const table = useMemo(() => tableOf(batch.table), [batch.table]);
  const unknown = variablesOf(batch.script + batch.title).filter((name) => !table.columns.includes(name));
  const works = useOrdered(batch);
  const requests = table.rows.slice(0, MOST_ROWS).map((row) => requestOf(batch, row));
  const tryOne = useMutation<Job, ApiError>({
    mutationFn: () => order(batch, TRIAL, { ...(requests[0] as FilmRequest), quality: "draft" }),
    onSuccess: (job) => ordered(batch, TRIAL, job),
  });
  const makeAll = useMutation<void, ApiError>({
    mutationFn: async () => {
      let now = batch;
      for (const [place, request] of requests.entries()) {
        if (!now.jobs[place]) now = ordered(now, String(place), await order(now, String(place), request));
      }
    },
  });
  const ready = requests.length > 0 && unknown.length === 0 && requests.every((request) => request.script.trim());
  return (
    <div className="batch">
      <header className="page-head">
        <h1>{t("batch.title")}</h1>
        <p className="hint">{t("batch.lead")}</p>
      </header>
      <TableField table={batch.table} onChange={(next) => write({ table: next })} />
      <Templates script={batch.script} title={batch.title} columns={table.columns} onChange={write} />
      {table.rows.length > MOST_ROWS && <Notice tone="warning">{t("batch.tooMany", { most: MOST_ROWS })}</Notice>}
      {batch.table.trim() && unknown.length > 0 && (
        <Notice tone="warning">{t("batch.unknown", { names: unknown.join(", ") })}</Notice>
      )}
      {requests.length > 0 && <Rows requests={requests} works={works} />}
      {(tryOne.error ?? makeAll.error) && <Failure error={tryOne.error ?? makeAll.error} />}
      <div className="batch-actions">
        <Button icon="play" busy={tryOne.isPending} disabled={!ready} onClick={() => tryOne.mutate()}>
          {t("batch.try")}
        </Button>
        {works[TRIAL] && (
          <Link to={`/works/${works[TRIAL].id}`} className="batch-trial">
            {t("batch.trial")} <StateBadge job={works[TRIAL]} />
          </Link>
        )}
        {requests.length > 0 && (
          <Button
            look="primary"
            icon="make"
            busy={makeAll.isPending}
            disabled={!ready || works[TRIAL]?.state !== "done"}
            onClick={() => makeAll.mutate()}
          >
            {t("batch.all", { count: requests.length })}
          </Button>
        )}
        {ready && works[TRIAL]?.state !== "done" && <p className="hint">{t("batch.first")}</p>}
      </div>
    </div>
  );
}

function requestOf(batch: { script: string; title: string }, row: Record<string, string>): FilmRequest {
  const title = filled(batch.title, row).slice(0, 60);
  return withScript(currentChoices().request, { script: filled(batch.script, row), title });
}

function TableField({ table, onChange }: { table: string; onChange: (table: string) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const file = useRef<HTMLInputElement>(null);
  return (
    <Section
      title={t("batch.table")}
      aside={
        <Button look="quiet" icon="upload" onClick={() => file.current?.click()}>
          {t("batch.file")}
        </Button>
      }
    >
      <label className="hint" htmlFor={id}>
        {t("batch.tableHint")}
      </label>
      <textarea
        id={id}
        className="input batch-table"
        rows={6}
        value={table}
        maxLength={1_000_000}
        spellCheck={false}
        placeholder={t("batch.example")}
        onChange={(event) => onChange(event.target.value)}
      />
      <input
        ref={file}
        type="file"
        accept=".csv,.tsv,.txt,text/csv"
        hidden
        aria-label={t("batch.file")}
        onChange={(event) => {
          void event.target.files?.[0]?.text().then(onChange);
          event.target.value = "";
        }}
      />
    </Section>
  );
}

type TemplatesProps = {
  script: string;
  title: string;
  columns: string[];
  onChange: (part: { script?: string; title?: string }) => void;
};

function Templates({ script, title, columns, onChange }: TemplatesProps) {
  const { t } = useTranslation();
  const id = useId();
  return (
    <Section title={t("batch.templates")}>
      <p className="hint">
        {columns.length > 0
          ? t("batch.columns", { names: columns.map((name) => `{{${name}}}`).join("  "), interpolation: LITERAL })
          : t("batch.noColumns")}
      </p>
      <div className="batch-fields">
        <label className="label" htmlFor={`${id}-title`}>
          {t("script.filmTitle")}
        </label>
        <input
          id={`${id}-title`}
          className="input"
          value={title}
          onChange={(event) => onChange({ title: event.target.value })}
        />
        <label className="label" htmlFor={`${id}-script`}>
          {t("script.title")}
        </label>
        <textarea
          id={`${id}-script`}
          className="input"
          rows={5}
          value={script}
          maxLength={20_000}
          onChange={(event) => onChange({ script: event.target.value })}
        />
      </div>
    </Section>
  );
}

/** What is put in is shown as it is, braces and all. */
const LITERAL = { skipOnVariables: true };

function Rows({ requests, works }: { requests: FilmRequest[]; works: Record<string, Job | undefined> }) {
  const { t } = useTranslation();
  return (
    <Section title={t("batch.rows", { count: requests.length })}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is to be reached by keyboard */}
      <ol className="batch-rows" tabIndex={0} aria-label={t("batch.rows", { count: requests.length })}>
        {requests.map((request, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a row is its place in the table
          <li key={place}>
            <span className="batch-row">
              {request.title && <strong>{request.title}</strong>} {request.script.slice(0, 160)}
              {!request.script.trim() && <span className="rule-problem">{t("batch.empty")}</span>}
            </span>
            {works[place] && (
              <Link to={`/works/${works[place].id}`}>
                <StateBadge job={works[place]} />
              </Link>
            )}
            {!works[place] && <Icon name="text" small />}
          </li>
        ))}
      </ol>
    </Section>
  );
}
