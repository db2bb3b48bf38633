import type { UseQueryResult } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { ApiError, type Schemas } from "../api/client.ts";
import { useServices } from "../api/queries.ts";
import { spoken } from "../api/speech.ts";
import { choose, useChoices } from "../lib/choices.ts";
import { clock, languageName, nameOf } from "../lib/format.ts";
import { useScrollToChosen } from "../lib/useScrollToChosen.ts";
import { AuditionButton } from "../ui/AuditionButton.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Loading, Section, Slider } from "../ui/parts.tsx";

const LONGEST_SAMPLE = 120;
const LANGUAGES_SHOWN = 2;

type Voices = Schemas["Voices"];

export function VoicePicker({ voices, sample }: { voices: UseQueryResult<Voices>; sample: string | undefined }) {
  const { t, i18n } = useTranslation();
  const { request } = useChoices();
  const engine = voices.data?.engine ?? [];
  const clones = useClones();
  const recordings = clones ? (voices.data?.items ?? []) : [];
  const [named, ...style] = (request.voice ?? "").split(":");
  const chosen = named?.trim() || engine[0]?.id;
  const text = (sample ?? t("voice.sample")).slice(0, LONGEST_SAMPLE);
  const speed = request.speed ?? 1;
  const list = useScrollToChosen<HTMLUListElement>(chosen);
  const take = (id: string) => choose({ voice: [id, ...style].join(":") });
  return (
    <Section
      title={t("voice.title")}
      aside={
        <Link className="aside-link" to="/library/voices">
          <Icon name="upload" small /> {t("voice.upload")}
        </Link>
      }
    >
      {voices.isPending && <Loading label={t("loading")} />}
      {voices.error && <Failure error={voices.error} />}
      {voices.data?.problem && <Failure error={new ApiError({ reason: "NO_VOICES", problem: voices.data.problem })} />}
      <ul className="picks picks-two" aria-label={t("voice.title")} ref={list}>
        {engine.map((voice) => (
          <li key={voice.id} className={voice.id === chosen ? "pick pick-on" : "pick"}>
            <label>
              <input type="radio" name="voice" checked={voice.id === chosen} onChange={() => take(voice.id)} />
              <span className="pick-name">{t(`voiceName.${voice.id}`, { defaultValue: voice.name })}</span>
              <span className="hint">{languagesOf(voice.languages, i18n.language, t("voice.more"))}</span>
            </label>
            <AuditionButton
              id={`voice ${voice.id}`}
              name={t(`voiceName.${voice.id}`, { defaultValue: voice.name })}
              gain="levelled"
              source={() => spoken(text, voice.id, speed)}
            />
          </li>
        ))}
        {recordings.map((voice) => (
          <li key={voice.id} className={voice.id === chosen ? "pick pick-on" : "pick"}>
            <label>
              <input type="radio" name="voice" checked={voice.id === chosen} onChange={() => take(voice.id)} />
              <span className="pick-name">{nameOf(voice, i18n.language)}</span>
              <span className="hint">
                {t("voice.recording")} · {clock(voice.duration_s)}
              </span>
            </label>
            <AuditionButton id={`voice ${voice.id}`} name={voice.name} gain="levelled" source={() => voice.url ?? ""} />
          </li>
        ))}
      </ul>
      {!clones && (voices.data?.items.length ?? 0) > 0 && <p className="hint">{t("voice.noClones")}</p>}
      <Slider
        label={t("voice.speed")}
        value={speed}
        min={0.5}
        max={2}
        step={0.05}
        text={`${speed.toFixed(2)}×`}
        onChange={(next) => choose({ speed: next })}
      />
    </Section>
  );
}

/** Whether the voice engine speaks with the voice of a recording; so it is taken while that is not known. */
function useClones(): boolean {
  const tts = useServices(false).data?.services.find((service) => service.name === "tts");
  const told = tts?.replicas.flatMap((replica) => replica.capabilities ?? []) ?? [];
  return told.length === 0 || told.some((capabilities) => capabilities.clones);
}

function languagesOf(tags: string[], language: string, more: string): string {
  const first = tags.slice(0, LANGUAGES_SHOWN).map((tag) => languageName(tag, language));
  const rest = tags.length - first.length;
  return first.join(" · ") + (rest > 0 ? ` · ${more.replace("#", String(rest))}` : "");
}
