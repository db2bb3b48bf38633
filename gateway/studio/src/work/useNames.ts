// What a film was made with, in the words of the page.
import { useTranslation } from "react-i18next";
import { useLibrary } from "../api/queries.ts";
import { nameOf } from "../lib/format.ts";

/** Names of entries of the library, and of voices, by what a request calls them. */
export function useNames(): { entry: (id: string) => string; voice: (id: string) => string } {
  const { t, i18n } = useTranslation();
  const { footage, voices, music, styles } = useLibrary();
  const entries = [footage, voices, music, styles].flatMap((each) => [...(each.data?.items ?? [])]);
  const entry = (id: string) => {
    const found = entries.find((each) => each.id === id);
    return found ? nameOf(found, i18n.language) : t("settings.gone");
  };
  const voice = (id: string) => {
    if (!id) return t("settings.defaultVoice");
    const engine = voices.data?.engine.find((each) => each.id === id);
    return engine ? t(`voiceName.${id}`, { defaultValue: engine.name }) : entry(id);
  };
  return { entry, voice };
}
