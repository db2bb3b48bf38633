import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { bytes } from "../lib/format.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";

const FILES = [
  { name: "film.mp4", icon: "film", kind: "film" },
  { name: "captions.srt", icon: "text", kind: "captions" },
  { name: "captions.vtt", icon: "text", kind: "captions" },
  { name: "captions.ass", icon: "text", kind: "captions" },
  { name: "cover.jpg", icon: "picture", kind: "cover" },
] as const satisfies { name: string; icon: IconName; kind: string }[];

export function Downloads({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <nav className="downloads" aria-label={t("downloads.title")}>
      {FILES.map(({ name, icon, kind }) => {
        const file = job.outputs[name];
        if (!file) return null;
        const suffix = name.slice(name.lastIndexOf(".") + 1).toUpperCase();
        return (
          <a
            key={name}
            className={kind === "film" ? "button button-primary download-film" : "button button-plain"}
            href={`${file.url}?download=true`}
            download
          >
            <Icon name={kind === "film" ? "download" : icon} />
            {kind === "film" ? t("downloads.film") : kind === "cover" ? t("downloads.cover") : suffix}
            <span className="hint">{bytes(file.size_bytes)}</span>
          </a>
        );
      })}
    </nav>
  );
}
