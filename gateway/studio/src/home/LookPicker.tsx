import type { UseQueryResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Style } from "../api/client.ts";
import { choose, DEFAULT_STYLES, useChoices } from "../lib/choices.ts";
import { nameOf } from "../lib/format.ts";
import { Failure } from "../ui/Notice.tsx";
import { Loading, Section, Switch } from "../ui/parts.tsx";
import { StylePicture } from "./StylePicture.tsx";

type Field = keyof typeof DEFAULT_STYLES;

export function LookPicker({ styles }: { styles: UseQueryResult<{ items: Style[] }> }) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const items = styles.data?.items ?? [];
  return (
    <Section title={t("look.title")}>
      {styles.isPending && <Loading label={t("loading")} />}
      {styles.error && <Failure error={styles.error} />}
      <Switch
        label={t("look.drawn")}
        hint={t("look.drawnHint")}
        checked={request.captions !== "files_only"}
        onChange={(on) => choose({ captions: on ? "drawn" : "files_only" })}
      />
      {request.captions !== "files_only" && (
        <Looks field="caption_style" items={items.filter((style) => style.role === "subtitle")} />
      )}
      {request.title?.trim() ? (
        <Looks field="title_style" items={items.filter((style) => style.role === "title")} />
      ) : (
        <p className="hint">{t("look.noTitle")}</p>
      )}
    </Section>
  );
}

function Looks({ field, items }: { field: Field; items: Style[] }) {
  const { t, i18n } = useTranslation();
  const { request } = useChoices();
  const chosen = request[field] || DEFAULT_STYLES[field];
  return (
    <fieldset className="looks">
      <legend className="label">{t(`look.${field}`)}</legend>
      {items.map((style) => (
        <label key={style.id} className={style.id === chosen ? "look-card look-card-on" : "look-card"}>
          <input
            type="radio"
            name={field}
            checked={style.id === chosen}
            onChange={() => choose({ [field]: style.id })}
          />
          <StylePicture style={style} />
          <span>{nameOf(style, i18n.language)}</span>
        </label>
      ))}
    </fieldset>
  );
}
