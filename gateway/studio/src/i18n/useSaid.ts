// What the mesh says of footage and music, in the language of the page.
import { useTranslation } from "react-i18next";

/** Gives a sentence of the mesh in other words where the page has some; the English words are the key, as in gettext. */
export function useSaid(): (sentence: string) => string {
  const { i18n } = useTranslation();
  const words: Record<string, string> = i18n.getResourceBundle(i18n.language, "said") ?? {};
  return (sentence) =>
    Object.entries(words).reduce((said, [found, instead]) => said.replace(new RegExp(found, "g"), instead), sentence);
}
