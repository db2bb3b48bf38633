// The words of the page, in the language that the browser asks for or that was chosen here.
import i18next, { type PostProcessorModule } from "i18next";
import { initReactI18next } from "react-i18next";
import { read, write } from "../lib/theme.ts";
import { en } from "./en.ts";

export const LANGUAGES = { en: "EN", zh: "中" } as const;

type Language = keyof typeof LANGUAGES;

declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
    // Names that come from the gateway have words of ours or none.
    strictKeyChecks: false;
  }
}

/** Marks where a value begins and ends between words: nothing is seen of it, and nobody writes it. */
const EDGE = "\u2060";

/** Sets a space where Han and Latin letters or digits meet at the edge of a value, which may be either. */
const spaced: PostProcessorModule = {
  type: "postProcessor",
  name: "spaced",
  process: (words: string) =>
    words
      .replace(new RegExp(`(\\p{sc=Han})${EDGE}(?=[A-Za-z0-9])`, "gu"), "$1 ")
      .replace(new RegExp(`([A-Za-z0-9])${EDGE}(?=\\p{sc=Han})`, "gu"), "$1 ")
      .replaceAll(EDGE, ""),
};

export async function startLanguage(): Promise<void> {
  i18next.on("languageChanged", (language) => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : language;
  });
  const language = wanted();
  await i18next
    .use(initReactI18next)
    .use(spaced)
    .init({
      lng: language,
      fallbackLng: "en",
      resources: { en: { translation: en } },
      partialBundledLanguages: true,
      interpolation: { escape: (value) => EDGE + value + EDGE },
      postProcess: [spaced.name],
    });
  const { zh } = await import("./zh.ts");
  i18next.addResourceBundle("zh", "translation", zh);
  const { default: said } = await import("./said.zh.json");
  i18next.addResourceBundle("zh", "said", said);
  await i18next.changeLanguage(language);
}

/** Speaks another language from now on, also when the page is opened again. */
export function chooseLanguage(language: Language): void {
  write("vigent.language", language);
  void i18next.changeLanguage(language);
}

function wanted(): Language {
  const kept = read("vigent.language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
