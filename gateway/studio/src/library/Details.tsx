import { useId } from "react";
import { useTranslation } from "react-i18next";
import type { Kind } from "../api/upload.ts";
import { Notice } from "../ui/Notice.tsx";
import { Segmented } from "../ui/parts.tsx";

export type Told = { person: string; statement: string; role: "subtitle" | "title" };

/** The fields that go with a file of this kind. */
export function toldBy(kind: Kind, told: Told): Record<string, string> {
  if (kind === "voices") return { person: told.person.trim(), statement: told.statement.trim() };
  return kind === "styles" ? { role: told.role } : {};
}

type Props = { kind: Kind; told: Told; asked: boolean; onChange: (told: Told) => void };

/** What has to be said of a file before it is taken: the consent of a speaker, what a style is for. */
export function Details({ kind, told, asked, onChange }: Props) {
  const { t } = useTranslation();
  const id = useId();
  if (kind === "styles") {
    return (
      <Segmented
        label={t("upload.role")}
        value={told.role}
        options={(["subtitle", "title"] as const).map((value) => ({ value, label: t(`library.role_${value}`) }))}
        onChange={(role) => onChange({ ...told, role })}
      />
    );
  }
  if (kind !== "voices") return null;
  return (
    <div className="consent">
      <p className="hint">{t("consent.why")}</p>
      <label className="label" htmlFor={`${id}-person`}>
        {t("consent.person")}
      </label>
      <input
        id={`${id}-person`}
        className="input"
        value={told.person}
        autoComplete="name"
        maxLength={200}
        onChange={(event) => onChange({ ...told, person: event.target.value })}
      />
      <label className="label" htmlFor={`${id}-statement`}>
        {t("consent.statement")}
      </label>
      <textarea
        id={`${id}-statement`}
        className="input"
        rows={2}
        value={told.statement}
        maxLength={4000}
        placeholder={t("consent.example")}
        onChange={(event) => onChange({ ...told, statement: event.target.value })}
      />
      {asked && <Notice tone="warning">{t("consent.missing")}</Notice>}
    </div>
  );
}
