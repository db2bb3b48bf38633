import type { UseQueryResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Music } from "../api/client.ts";
import { choose, currentChoices, DEFAULT_GAIN_DB, useChoices } from "../lib/choices.ts";
import { clock, decibels, nameOf } from "../lib/format.ts";
import { setGain, stopSound, useSound } from "../lib/sound.ts";
import { useScrollToChosen } from "../lib/useScrollToChosen.ts";
import { AuditionButton } from "../ui/AuditionButton.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Loading, Section, Slider, Switch } from "../ui/parts.tsx";
import { tell } from "../ui/Toasts.tsx";
import { Waveform } from "../ui/Waveform.tsx";

/** Music under the voice. Hearing a track chooses it and turns music on; what was chosen by accident can be undone. */
export function MusicPicker({ music }: { music: UseQueryResult<{ items: Music[] }> }) {
  const { t, i18n } = useTranslation();
  const { request, track } = useChoices();
  const sound = useSound();
  const items = music.data?.items ?? [];
  const gainDb = request.music_gain_db ?? DEFAULT_GAIN_DB;
  const list = useScrollToChosen<HTMLUListElement>(request.music ?? undefined);
  const turn = (on: boolean) => {
    if (!on && sound?.id.startsWith("music ")) stopSound();
    choose({ music: on ? track || items[0]?.id || null : null });
  };
  const heard = (entry: Music) => {
    const before = currentChoices().request.music ?? null;
    if (before === entry.id) return;
    choose({ music: entry.id });
    tell(t("music.chosen", { name: nameOf(entry, i18n.language) }), () => choose({ music: before }));
  };
  return (
    <Section
      title={t("music.title")}
      aside={
        <Link className="aside-link" to="/library/music">
          <Icon name="upload" small /> {t("music.upload")}
        </Link>
      }
    >
      {music.isPending && <Loading label={t("loading")} />}
      {music.error && <Failure error={music.error} />}
      <Switch label={t("music.on")} hint={t("music.hint")} checked={Boolean(request.music)} onChange={turn} />
      <ul className="picks" aria-label={t("music.title")} ref={list}>
        {items.map((entry) => {
          const on = entry.id === request.music;
          return (
            <li key={entry.id} className={on ? "pick pick-wave pick-on" : "pick pick-wave"}>
              <label>
                <input type="radio" name="music" checked={on} onChange={() => choose({ music: entry.id })} />
                <span className="pick-name">{nameOf(entry, i18n.language)}</span>
                <span className="hint">
                  {clock(entry.duration_s)} · {decibels(entry.loudness_lufs, 0)} LUFS
                  {entry.licence && ` · ${entry.licence}`}
                </span>
                <Waveform peaks={entry.waveform} />
              </label>
              <AuditionButton
                id={`music ${entry.id}`}
                name={nameOf(entry, i18n.language)}
                gain={gainDb}
                source={() => entry.url ?? ""}
                onPlay={() => heard(entry)}
              />
            </li>
          );
        })}
      </ul>
      <Slider
        label={t("music.volume")}
        value={gainDb}
        min={-60}
        max={12}
        step={1}
        text={`${gainDb > 0 ? "+" : ""}${gainDb} dB`}
        disabled={!request.music}
        onChange={(next) => {
          setGain(sound?.id.startsWith("music ") ? next : 0);
          choose({ music_gain_db: next });
        }}
      />
    </Section>
  );
}
