import { useEffect, useId, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { clock } from "../../lib/format.ts";
import { stopSound } from "../../lib/sound.ts";
import { AuditionButton } from "../../ui/AuditionButton.tsx";
import { Button } from "../../ui/Button.tsx";
import { Icon } from "../../ui/Icon.tsx";
import { Notice } from "../../ui/Notice.tsx";
import { faultsOf, type Recording, seconds, wavOf } from "./recording.ts";
import { type Microphone, useMicrophone } from "./useMicrophone.ts";
import "./recorder.css";

const QUIETEST_SHOWN_DB = -60;

type Props = {
  /** Takes the file with what was read; false where something must be said before. */
  onKeep: (file: File, told: Record<string, string>) => boolean;
};

/** Records a voice: a text to read, how loud it comes in, and what speaks against the recording. */
export function Recorder({ onKeep }: Props) {
  const { t, i18n } = useTranslation();
  const [recording, setRecording] = useState<Recording>();
  const { microphone, start, stop } = useMicrophone(setRecording);
  const id = useId();
  const text = t("record.text");
  const running = microphone.state === "recording";
  const begin = () => {
    stopSound();
    setRecording(undefined);
    void start();
  };
  const keep = (file: File) => {
    if (onKeep(file, { reference_text: text, languages: i18n.language })) setRecording(undefined);
  };
  return (
    <section className="recorder" aria-labelledby={id}>
      <h2 id={id}>{t("record.title")}</h2>
      <p className="hint">{t("record.hint")}</p>
      <blockquote className="recorder-text">{text}</blockquote>
      {running && <Meter microphone={microphone} />}
      {microphone.refused && <Notice tone="bad">{t(`record.refused_${microphone.refused}`)}</Notice>}
      <div className="recorder-actions">
        {running ? (
          <Button look="danger" icon="stop" onClick={stop}>
            {t("record.stop")}
          </Button>
        ) : (
          <Button icon="voice" busy={microphone.state === "asking"} onClick={begin}>
            {t(recording ? "record.again" : "record.start")}
          </Button>
        )}
        {recording && <Recorded recording={recording} onKeep={keep} />}
      </div>
      {recording && <Judgement recording={recording} />}
    </section>
  );
}

function Meter({ microphone }: { microphone: Microphone }) {
  const { t } = useTranslation();
  const level_db = Math.max(QUIETEST_SHOWN_DB, Math.min(0, microphone.level_db));
  return (
    <div className="recorder-meter">
      <span className="recorder-time">{clock(microphone.seconds)}</span>
      {/* biome-ignore lint/a11y/useSemanticElements: a browser's own meter cannot be drawn in both themes */}
      <div
        className={microphone.clipped ? "meter meter-clipped" : "meter"}
        role="meter"
        aria-label={t("record.level")}
        aria-valuemin={QUIETEST_SHOWN_DB}
        aria-valuemax={0}
        aria-valuenow={Math.round(level_db)}
        aria-valuetext={`${Math.round(level_db)} dB`}
      >
        <span style={{ transform: `scaleX(${1 - level_db / QUIETEST_SHOWN_DB})` }} />
      </div>
      <span className="hint" role="status">
        {microphone.clipped && (
          <>
            <Icon name="warning" small /> {t("record.clipping")}
          </>
        )}
      </span>
    </div>
  );
}

function Recorded({ recording, onKeep }: { recording: Recording; onKeep: (file: File) => void }) {
  const { t } = useTranslation();
  const wav = useMemo(() => wavOf(recording), [recording]);
  const url = useMemo(() => URL.createObjectURL(wav), [wav]);
  useEffect(
    () => () => {
      stopSound();
      URL.revokeObjectURL(url);
    },
    [url],
  );
  const file = () => new File([wav], `${t("record.name", { date: new Date().toISOString().slice(0, 10) })}.wav`);
  return (
    <>
      <AuditionButton id="recording" name={t("record.own")} source={() => url} />
      <Button look="primary" icon="check" onClick={() => onKeep(file())}>
        {t("record.keep", { length: clock(seconds(recording)) })}
      </Button>
    </>
  );
}

function Judgement({ recording }: { recording: Recording }) {
  const { t } = useTranslation();
  const faults = useMemo(() => faultsOf(recording), [recording]);
  if (faults.length === 0) return <Notice tone="good">{t("record.fine")}</Notice>;
  return (
    <Notice tone="warning">
      <ul className="recorder-faults">
        {faults.map((fault) => (
          <li key={fault}>{t(`record.fault_${fault}`)}</li>
        ))}
      </ul>
    </Notice>
  );
}
