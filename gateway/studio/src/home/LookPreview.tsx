import { useTranslation } from "react-i18next";
import { useLibrary } from "../api/queries.ts";
import { useChoices } from "../lib/choices.ts";
import { chosenFootage } from "./PresenterPicker.tsx";

/** What the film will look like. */
export function LookPreview(_: { sentence: string | undefined }) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const { footage } = useLibrary();
  const entry = chosenFootage(footage.data?.items ?? [], request.footage ?? "");
  return (
    <div className="look">
      <div className="stage" style={{ aspectRatio: `${request.width ?? 1080} / ${request.height ?? 1920}` }}>
        {entry?.poster_url && <img src={entry.poster_url} alt={t("look.poster")} />}
      </div>
    </div>
  );
}
