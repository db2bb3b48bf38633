import { useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { NavLink, Outlet, ScrollRestoration, useNavigate } from "react-router";
import { useServices } from "../api/queries.ts";
import { chooseLanguage, LANGUAGES } from "../i18n/i18n.ts";
import { useLost } from "../lib/connection.ts";
import { chooseTheme, useTheme } from "../lib/theme.ts";
import { IconButton } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Toasts } from "../ui/Toasts.tsx";
import { Palette } from "./Palette.tsx";
import { PAGES } from "./pages.ts";
import { ShortcutList } from "./ShortcutList.tsx";
import { useShortcut } from "./shortcuts.ts";
import "./shell.css";

export function Shell() {
  const { t } = useTranslation();
  const help = useRef<HTMLDialogElement>(null);
  const [finding, setFinding] = useState(false);
  const showHelp = useCallback(() => help.current?.showModal(), []);
  useShortcut("help", showHelp);
  useShortcut("palette", () => setFinding(true));
  usePageShortcuts();
  return (
    <>
      <a className="skip" href="#main">
        {t("nav.skip")}
      </a>
      <header className="head">
        <NavLink to="/" className="brand" aria-label="Vigent">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span>Vigent</span>
        </NavLink>
        <nav className="nav" aria-label={t("nav.label")}>
          {PAGES.map(({ to, name, icon }) => (
            <NavLink key={to} to={to} end={to === "/"} className="nav-link">
              <Icon name={icon} />
              <span>{t(`nav.${name}`)}</span>
            </NavLink>
          ))}
        </nav>
        <div className="head-tools">
          <MeshState />
          <LanguageButton />
          <ThemeButton />
          <IconButton icon="keyboard" label={t("shortcuts.title")} onClick={showHelp} className="only-wide" />
        </div>
      </header>
      <Offline />
      <main id="main" className="page" tabIndex={-1}>
        <Outlet />
      </main>
      <ShortcutList dialog={help} />
      {finding && <Palette close={() => setFinding(false)} help={showHelp} />}
      <Toasts />
      <ScrollRestoration />
    </>
  );
}

function usePageShortcuts() {
  const navigate = useNavigate();
  useShortcut("create", () => navigate("/"));
  useShortcut("works", () => navigate("/works"));
  useShortcut("publish", () => navigate("/publish"));
  useShortcut("library", () => navigate("/library"));
  useShortcut("mesh", () => navigate("/mesh"));
}

function Offline() {
  const { t } = useTranslation();
  const lost = useLost();
  return (
    <div role="alert">
      {lost && (
        <p className="offline">
          <Icon name="offline" /> {t("offline")}
        </p>
      )}
    </div>
  );
}

function MeshState() {
  const { t } = useTranslation();
  const { data } = useServices(false);
  const wrong = data?.services.filter((service) => !service.ok).length;
  if (wrong === undefined) return null;
  return (
    <NavLink to="/mesh" className={wrong > 0 ? "mesh-state mesh-state-bad" : "mesh-state"}>
      <span className="dot" aria-hidden="true" />
      <span className="mesh-state-text">{wrong > 0 ? t("nav.meshBad", { count: wrong }) : t("nav.meshGood")}</span>
    </NavLink>
  );
}

function LanguageButton() {
  const { t, i18n } = useTranslation();
  const next = i18n.language === "zh" ? "en" : "zh";
  return (
    <button
      type="button"
      className="icon-button language"
      lang={next}
      aria-label={t("nav.language")}
      title={t("nav.language")}
      onClick={() => chooseLanguage(next)}
    >
      {LANGUAGES[next]}
    </button>
  );
}

function ThemeButton() {
  const { t } = useTranslation();
  const theme = useTheme();
  const next = theme === "dark" ? "light" : "dark";
  return <IconButton icon={next} label={t(`nav.${next}`)} onClick={() => chooseTheme(next)} />;
}
