import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { DEFAULT_STYLES } from "../lib/choices.ts";
import { Section } from "../ui/parts.tsx";
import { useNames } from "./useNames.ts";

/** What the film was made with. */
export function Settings({ job }: { job: Job }) {
  const { t } = useTranslation();
  const names = useNames();
  const { request } = job;
  const facts: [string, string][] = [
    [t("settings.footage"), names.entry(request.footage ?? "")],
    [t("settings.voice"), names.voice(request.voice ?? "")],
    [
      t("settings.music"),
      request.music ? `${names.entry(request.music)}, ${request.music_gain_db} dB` : t("settings.none"),
    ],
    [
      t("settings.captions"),
      request.captions === "files_only"
        ? t("settings.filesOnly")
        : names.entry(request.caption_style || DEFAULT_STYLES.caption_style),
    ],
    [t("settings.size"), `${request.width}×${request.height}`],
    [t("settings.quality"), t(`quality.${request.quality ?? "standard"}`)],
    [t("settings.speed"), `${(request.speed ?? 1).toFixed(2)}×`],
  ];
  return (
    <Section title={t("settings.title")}>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}
