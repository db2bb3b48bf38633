import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { useLibrary } from "../api/queries.ts";
import { nameOf } from "../lib/format.ts";
import { Section } from "../ui/parts.tsx";

/** What the film was made with. */
export function Settings({ job }: { job: Job }) {
  const { t, i18n } = useTranslation();
  const { footage, voices, music, styles } = useLibrary();
  const { request } = job;
  const entries = [
    ...(footage.data?.items ?? []),
    ...(voices.data?.items ?? []),
    ...(music.data?.items ?? []),
    ...(styles.data?.items ?? []),
  ];
  const named = (id: string) => {
    const entry = entries.find((each) => each.id === id);
    return entry ? nameOf(entry, i18n.language) : t("settings.gone");
  };
  const voice = request.voice || t("settings.defaultVoice");
  const engineVoice = voices.data?.engine.find((each) => each.id === voice);
  const facts: [string, string][] = [
    [t("settings.footage"), named(request.footage ?? "")],
    [
      t("settings.voice"),
      engineVoice ? t(`voiceName.${voice}`, { defaultValue: engineVoice.name }) : request.voice ? named(voice) : voice,
    ],
    [t("settings.music"), request.music ? `${named(request.music)}, ${request.music_gain_db} dB` : t("settings.none")],
    [
      t("settings.captions"),
      request.captions === "files_only" ? t("settings.filesOnly") : named(request.caption_style || "classic"),
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
