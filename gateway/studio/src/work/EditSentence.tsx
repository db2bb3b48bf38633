import type { TFunction } from "i18next";
import { type FormEvent, useEffect, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import type { Job } from "../api/client.ts";
import { useLibrary, useWorkActions } from "../api/queries.ts";
import { codePoints } from "../lib/format.ts";
import { stopSound } from "../lib/sound.ts";
import { useDebounced } from "../lib/useDebounced.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Select } from "../ui/parts.tsx";
import { type Change, chosenFor, type Revision, useRevision } from "./revision.ts";
import { Takes } from "./Takes.tsx";

const ASK_AFTER_MS = 350;

/** A sentence in other words, another voice or another take. It is counted before, and the film before stays. */
export function EditSentence({ job, index, close }: { job: Job; index: number; close: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const id = useId();
  const [before] = useState(() => ({ text: written(job, index), ...chosenFor(job.request, index) }));
  const [now, setNow] = useState(before);
  const { submit } = useWorkActions();
  const change: Change = { segment: index, ...now };
  const asked = useDebounced(change, ASK_AFTER_MS);
  const revision = useRevision(job, asked);
  const changed = JSON.stringify(now) !== JSON.stringify(before);
  const current = asked === change || JSON.stringify(asked) === JSON.stringify(change);
  const ready = changed && current && !revision.isPlaceholderData && !revision.error && revision.data !== undefined;
  useEffect(() => stopSound, []);
  const make = (event: FormEvent) => {
    event.preventDefault();
    if (!ready || submit.isPending) return;
    submit.mutate(revision.data.request, {
      onSuccess: (next) => navigate(`/works/${next.id}`, { state: { before: job.id } }),
    });
  };
  return (
    <form className="edit" onSubmit={make} onKeyDown={(event) => event.key === "Escape" && close()}>
      <label className="label" htmlFor={id}>
        {t("edit.label")}
      </label>
      <textarea
        id={id}
        className="input"
        rows={3}
        value={now.text}
        // biome-ignore lint/a11y/noAutofocus: it was asked for by a press of a button
        autoFocus
        onChange={(event) => setNow({ ...now, text: event.target.value, take: 0 })}
      />
      <VoiceOfSentence value={now.voice} onChange={(voice) => setNow({ ...now, voice, take: 0 })} />
      {now.text.trim() && (
        <Takes
          key={`${now.voice} ${now.text}`}
          job={job}
          change={change}
          kept={current ? (revision.data?.takes ?? []) : []}
          chosen={now.take}
          onChoose={(take) => setNow({ ...now, take })}
        />
      )}
      <p className="hint" role="status">
        {!changed ? t("edit.hint") : ready ? counted(t, revision.data) : !revision.error && t("edit.counting")}
      </p>
      {(revision.error ?? submit.error) && <Failure error={revision.error ?? submit.error} />}
      <div className="edit-actions">
        <Button type="submit" look="primary" icon="make" busy={submit.isPending} disabled={!ready}>
          {t("edit.make")}
        </Button>
        <Button look="quiet" onClick={close}>
          {t("edit.close")}
        </Button>
      </div>
    </form>
  );
}

function VoiceOfSentence({ value, onChange }: { value: string; onChange: (voice: string) => void }) {
  const { t } = useTranslation();
  const { voices } = useLibrary();
  const engine = (voices.data?.engine ?? []).map((voice) => ({
    value: voice.id,
    label: t(`voiceName.${voice.id}`, { defaultValue: voice.name }),
  }));
  const known = value === "" || engine.some((voice) => voice.value === value);
  const own = known ? [] : [{ value, label: value }]; // with how to speak, or of another engine
  return (
    <Select
      label={t("edit.voice")}
      value={value}
      options={[{ value: "", label: t("edit.filmVoice") }, ...own, ...engine]}
      onChange={onChange}
    />
  );
}

function counted(t: TFunction, revision: Revision): string {
  const total = revision.sentences.length;
  return `${t("edit.count", { count: revision.to_film, total })}${t("gap")}${t("edit.speak", { count: revision.to_speak })}`;
}

/** The sentence as it was written, with its readings. */
function written(job: Job, index: number): string {
  const start = job.segments[index]?.char_start ?? 0;
  return codePoints(job.request.script, start, job.segments[index + 1]?.char_start).trimEnd();
}
