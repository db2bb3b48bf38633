import type { TFunction } from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Font, Footage, Music, Style, Voice } from "../api/client.ts";
import type { Entry, Kind } from "../api/upload.ts";
import { StylePicture } from "../home/StylePicture.tsx";
import { useSaid } from "../i18n/useSaid.ts";
import { bytes, clock, decibels, nameOf, when } from "../lib/format.ts";
import { AuditionButton } from "../ui/AuditionButton.tsx";
import { IconButton } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { useFailureWords } from "../ui/Notice.tsx";
import { Waveform } from "../ui/Waveform.tsx";
import { removeLater } from "./removing.ts";

type Props = { kind: Kind; entry: Entry; onOpen: (() => void) | undefined };

export function EntryCard({ kind, entry, onOpen }: Props) {
  const { t, i18n } = useTranslation();
  const words = useFailureWords();
  const said = useSaid();
  const name = nameOf(entry, i18n.language);
  const remove = () =>
    removeLater(kind, entry.id, t("library.removed", { name }), (error) => {
      const { problem, remedy } = words(error);
      return `${problem}${t("gap")}${remedy}`;
    });
  return (
    <li className="entry">
      {kind === "footage" && <Poster footage={entry as Footage} />}
      {kind === "styles" && <StylePicture style={entry as Style} />}
      <div className="entry-text">
        <h2 className="entry-name">{name}</h2>
        <p className="hint">{factsOf(t, kind, entry, i18n.language)}</p>
        {kind === "voices" && <p className="hint entry-consent">{consentOf(t, entry as Voice, i18n.language)}</p>}
        <Licence entry={entry} />
        {"notes" in entry &&
          entry.notes?.map((note) => (
            <p key={note} className="warning">
              <Icon name="warning" small /> {said(note)}
            </p>
          ))}
      </div>
      {"waveform" in entry && <Waveform peaks={entry.waveform} />}
      <div className="entry-tools">
        {"waveform" in entry && (
          <AuditionButton
            id={`${kind} ${entry.id}`}
            name={name}
            gain={kind === "voices" ? "levelled" : 0}
            source={() => entry.url ?? ""}
          />
        )}
        {onOpen && kind === "styles" && <IconButton icon="edit" label={t("style.change", { name })} onClick={onOpen} />}
        {onOpen && kind === "footage" && (
          <IconButton icon="info" label={t("preflight.open", { name })} onClick={onOpen} />
        )}
        {!entry.bundled && <IconButton icon="delete" label={t("library.remove", { name })} onClick={remove} />}
      </div>
    </li>
  );
}

function Licence({ entry }: { entry: Entry }): ReactNode {
  const { t } = useTranslation();
  const told = [entry.bundled && t("library.bundled"), entry.licence].filter(Boolean).join(" · ");
  return told && <p className="hint">{told}</p>;
}

function Poster({ footage }: { footage: Footage }) {
  return (
    <span className="entry-poster">
      {footage.poster_url ? <img src={footage.poster_url} alt="" loading="lazy" /> : <Icon name="video" />}
    </span>
  );
}

/** The words of the consent, and when they were given. */
function consentOf(t: Words, { consent }: Voice, language: string): string {
  const words = t("library.consentWords", { statement: consent.statement });
  return consent.given_time ? `${words} · ${when(consent.given_time, language)}` : words;
}

type Words = TFunction;

export function factsOf(t: Words, kind: Kind, entry: Entry, language: string): string {
  const size = bytes(entry.size_bytes ?? 0);
  switch (kind) {
    case "footage": {
      const { width, height, frames, duration_s, frame_rate_hz } = entry as Footage;
      const length = frames > 1 ? `${clock(duration_s)} · ${Math.round(frame_rate_hz)} fps` : t("presenter.picture");
      return `${width}×${height} · ${length} · ${size}`;
    }
    case "voices": {
      const { duration_s, consent } = entry as Voice;
      return `${clock(duration_s)} · ${t("library.consentOf", { person: consent.person })}`;
    }
    case "music": {
      const { duration_s, loudness_lufs } = entry as Music;
      return `${clock(duration_s)} · ${decibels(loudness_lufs, 1)} LUFS · ${size}`;
    }
    case "fonts": {
      const { family, weight, glyphs, scripts } = entry as Font;
      const names = new Intl.DisplayNames([language], { type: "script" });
      const read = scripts.slice(0, 4).map((script) => names.of(script) ?? script);
      return [`${family} ${weight}`, t("library.glyphs", { count: glyphs }), read.join(", ")]
        .filter(Boolean)
        .join(" · ");
    }
    case "styles":
      return t(`library.role_${(entry as Style).role}`);
  }
}
