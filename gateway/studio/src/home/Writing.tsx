import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Task, useWriting, type WritingRequest, write } from "../api/writing.ts";
import { choose, currentChoices, useChoices } from "../lib/choices.ts";
import { languageName } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Segmented, Select } from "../ui/parts.tsx";
import { tell } from "../ui/Toasts.tsx";
import "./writing.css";

const LANGUAGES = ["", "zh", "en", "ja", "ko", "es", "fr", "de", "pt", "it"];
const MOST_WISHES = 2000;

/** The gateway's writing model at the script; nothing where there is none. */
export function Writing() {
  const { t } = useTranslation();
  const tasks = useWriting().data?.tasks ?? [];
  if (tasks.length === 0) return null;
  return (
    <details className="writing">
      <summary>
        <Icon name="sparkles" small /> {t("writing.title")}
      </summary>
      <WritingForm tasks={tasks} />
    </details>
  );
}

function WritingForm({ tasks }: { tasks: Task[] }) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const { request } = useChoices();
  const [task, setTask] = useState<Task>(tasks[0] as Task);
  const [seconds, setSeconds] = useState("");
  const [language, setLanguage] = useState("");
  const [topic, setTopic] = useState("");
  const [wishes, setWishes] = useState("");
  const { busy, error, start, stop } = useWriter();
  const drafts = task === "draft";
  const text = drafts ? topic : request.script;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy || !text.trim()) return;
    void start({ task, text, language, wishes, ...(seconds && { seconds: Number(seconds) }) });
  };
  const languages = LANGUAGES.map((value) => ({
    value,
    label: value ? languageName(value, i18n.language) : t("writing.same"),
  }));
  return (
    <form className="writing-form" onSubmit={submit}>
      <Segmented
        label={t("writing.task")}
        value={task}
        options={tasks.map((value) => ({ value, label: t(`writing.${value}`) }))}
        onChange={setTask}
      />
      {drafts && (
        <label className="writing-wide">
          <span className="label">{t("writing.topic")}</span>
          <textarea className="input" rows={3} value={topic} onChange={(event) => setTopic(event.target.value)} />
        </label>
      )}
      <label htmlFor={id}>
        <span className="label">{t("writing.seconds")}</span>
        <input
          id={id}
          className="input"
          type="number"
          min={3}
          max={1800}
          placeholder={t("writing.any")}
          value={seconds}
          onChange={(event) => setSeconds(event.target.value)}
        />
      </label>
      <Select label={t("writing.language")} value={language} options={languages} onChange={setLanguage} />
      <label className="writing-wide">
        <span className="label">{t("writing.wishes")}</span>
        <input
          className="input"
          value={wishes}
          maxLength={MOST_WISHES}
          placeholder={t("writing.wishesHint")}
          onChange={(event) => setWishes(event.target.value)}
        />
      </label>
      <div className="writing-actions">
        {busy ? (
          <Button icon="stop" onClick={stop}>
            {t("writing.stop")}
          </Button>
        ) : (
          <Button type="submit" look="primary" icon="sparkles" aria-disabled={!text.trim() || undefined}>
            {t("writing.start")}
          </Button>
        )}
        <p className="hint" role="status">
          {busy
            ? t("writing.busy")
            : text.trim()
              ? t("writing.hint")
              : t(drafts ? "writing.noTopic" : "writing.noScript")}
        </p>
      </div>
      {error !== undefined && <Failure error={error} />}
    </form>
  );
}

/** Writes into the script; what was there before comes back by undoing, whether it was finished, stopped or broke off. */
function useWriter() {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const leaving = useRef<AbortController>(undefined);
  useEffect(() => () => leaving.current?.abort(), []);
  const start = async (request: WritingRequest) => {
    const { script } = currentChoices().request;
    const mine = new AbortController();
    leaving.current = mine;
    setBusy(true);
    setError(undefined);
    try {
      await write(request, mine.signal, (text) => mine.signal.aborted || choose({ script: text }));
    } catch (problem) {
      if (!mine.signal.aborted) setError(problem);
    }
    setBusy(false);
    if (currentChoices().request.script !== script) tell(t("writing.done"), () => choose({ script }));
  };
  return { busy, error, start, stop: () => leaving.current?.abort() };
}
