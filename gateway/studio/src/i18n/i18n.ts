// The words of the page, in the language that the browser asks for or that was chosen here.
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { read } from "../lib/theme.ts";
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

export async function startLanguage(): Promise<void> {
  i18next.on("languageChanged", (language) => {
    document.documentElement.lang = language === "zh" ? "zh-CN" : language;
  });
  const language = wanted();
  await i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    resources: { en: { translation: en } },
    partialBundledLanguages: true,
    interpolation: { escapeValue: false },
  });
  const { zh } = await import("./zh.ts");
  i18next.addResourceBundle("zh", "translation", zh);
  const { default: said } = await import("./said.zh.json");
  i18next.addResourceBundle("zh", "said", said);
  await i18next.changeLanguage(language);
}

function wanted(): Language {
  const kept = read("vigent.language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
