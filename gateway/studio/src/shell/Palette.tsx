import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useWorks } from "../api/queries.ts";
import { chooseLanguage } from "../i18n/i18n.ts";
import { chooseTheme, currentTheme } from "../lib/theme.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";
import { titleOf } from "../works/deleting.ts";
import { PAGES } from "./pages.ts";

const MOST_SHOWN = 12;

type Command = { id: string; name: string; icon: IconName; run: () => void };

/** Pages, films and settings by their names: typed, chosen with the arrows, taken with Enter. */
export function Palette({ close, help }: { close: () => void; help: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const [typed, setTyped] = useState("");
  const [place, setPlace] = useState(0);
  const commands = useCommands(help);
  const found = commands.filter(({ name }) => matches(name, typed)).slice(0, MOST_SHOWN);
  const chosen = found[Math.min(place, found.length - 1)];
  const run = (command: Command | undefined) => {
    if (!command) return;
    dialog.current?.close();
    command.run();
  };
  const move = (by: number) =>
    setPlace((Math.min(place, found.length - 1) + by + found.length) % Math.max(1, found.length));
  const press = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") run(chosen);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} className="dialog palette" aria-label={t("palette.title")} onClose={close}>
      <input
        className="input"
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen && `${id}-${chosen.id}`}
        aria-label={t("palette.title")}
        placeholder={t("palette.hint")}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setPlace(0);
        }}
        onKeyDown={press}
      />
      <div id={`${id}-list`} role="listbox" aria-label={t("palette.title")} className="palette-list">
        {found.map((command) => (
          <div
            key={command.id}
            id={`${id}-${command.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={command === chosen}
            className={command === chosen ? "palette-item palette-on" : "palette-item"}
            onClick={() => run(command)}
            onKeyDown={press}
          >
            <Icon name={command.icon} small /> {command.name}
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="hint">{t("palette.none")}</p>}
    </dialog>
  );
}

function useCommands(help: () => void): Command[] {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const works = useWorks();
  return useMemo(() => {
    const jobs = works.data?.pages.flatMap((page) => page.jobs) ?? [];
    return [
      ...PAGES.map(({ to, name, icon }) => ({ id: name, name: t(`nav.${name}`), icon, run: () => void navigate(to) })),
      { id: "batch", name: t("batch.title"), icon: "table", run: () => void navigate("/batch") },
      { id: "theme", name: t("palette.theme"), icon: "dark", run: swapTheme },
      {
        id: "language",
        name: t("nav.language"),
        icon: "language",
        run: () => chooseLanguage(i18n.language === "zh" ? "en" : "zh"),
      },
      { id: "help", name: t("shortcuts.title"), icon: "keyboard", run: help },
      ...jobs.map((job) => ({
        id: job.id,
        name: titleOf(job),
        icon: "film" as const,
        run: () => void navigate(`/works/${job.id}`),
      })),
    ] satisfies Command[];
  }, [works.data, navigate, t, i18n, help]);
}

const swapTheme = () => chooseTheme(currentTheme() === "dark" ? "light" : "dark");

/** Whether all that was typed is in the name, word by word. */
function matches(name: string, typed: string): boolean {
  const within = name.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => within.includes(word));
}
