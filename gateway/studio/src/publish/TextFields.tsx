import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Texts } from "./usePublication.ts";

type Props = { texts: Texts; onChange: (texts: Texts) => void; withoutTitle?: boolean };

export function TextFields({ texts, onChange, withoutTitle = false }: Props) {
  const { t } = useTranslation();
  const id = useId();
  const change = (part: Texts) => onChange({ ...texts, ...part });
  return (
    <div className="texts">
      {!withoutTitle && (
        <label htmlFor={`${id}-title`} className="text-field">
          <span className="label">{t("publish.title")}</span>
          <input
            id={`${id}-title`}
            className="input"
            value={texts.title ?? ""}
            maxLength={500}
            onChange={(event) => change({ title: event.target.value })}
          />
        </label>
      )}
      <label htmlFor={`${id}-description`} className="text-field">
        <span className="label">{t("publish.description")}</span>
        <textarea
          id={`${id}-description`}
          className="input"
          rows={4}
          value={texts.description ?? ""}
          maxLength={20_000}
          onChange={(event) => change({ description: event.target.value })}
        />
      </label>
      <TagField id={`${id}-tags`} tags={texts.tags ?? []} onChange={(tags) => change({ tags })} />
    </div>
  );
}

/** Tags as one line: what is typed stays as it is typed, and is read as tags. */
function TagField({ id, tags, onChange }: { id: string; tags: string[]; onChange: (tags: string[]) => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(() => tags.join(", "));
  return (
    <label htmlFor={id} className="text-field">
      <span className="label">{t("publish.tags")}</span>
      <input
        id={id}
        className="input"
        value={typed}
        placeholder={t("publish.tagsHint")}
        onChange={(event) => {
          setTyped(event.target.value);
          onChange(tagsOf(event.target.value));
        }}
      />
    </label>
  );
}

const tagsOf = (typed: string) =>
  typed
    .split(/[,，、;；\n#＃]+/)
    .map((tag) => tag.trim())
    .filter(Boolean)
    .slice(0, 100);
