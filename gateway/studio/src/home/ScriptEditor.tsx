import { memo, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ApiError, Schemas, ScriptView } from "../api/client.ts";
import { choose, useChoices } from "../lib/choices.ts";
import { clock, codePoints, languageName, utf16Offset } from "../lib/format.ts";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Readings, SayAs, wordOf } from "./SayAs.tsx";
import { Writing } from "./Writing.tsx";

const MOST_CHARACTERS = 20_000;
const LONGEST_TITLE = 60;

type Sentence = Schemas["ScriptSentence"];
type Props = { view: ScriptView | undefined; viewOf: string | undefined; error: ApiError | null };

/** The script, with the sentences that the gateway cuts it into: each becomes one segment of the film. */
export function ScriptEditor({ view, viewOf, error }: Props) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const area = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const [word, setWord] = useState<string>();
  const { script } = request;
  const fresh = view && viewOf === script ? view : undefined;
  const select = (sentence: Sentence) => {
    const start = utf16Offset(script, sentence.char_start);
    area.current?.focus();
    area.current?.setSelectionRange(start, utf16Offset(script, sentence.char_end));
  };
  return (
    <section className="card script" aria-labelledby={`${id}-head`}>
      <header className="card-head">
        <h2 id={`${id}-head`}>{t("script.title")}</h2>
        <Counters script={script} view={script.trim() ? view : undefined} />
      </header>
      <TitleField />
      <div className="editor">
        <div className="editor-inner">
          <Mirror script={script} sentences={fresh?.sentences ?? []} />
          <textarea
            ref={area}
            id={id}
            className="editor-text"
            aria-label={t("script.label")}
            aria-describedby={`${id}-sentences`}
            placeholder={t("script.placeholder")}
            value={script}
            maxLength={MOST_CHARACTERS}
            spellCheck={false}
            onChange={(event) => choose({ script: event.target.value })}
            onSelect={({ currentTarget: { value, selectionStart, selectionEnd } }) =>
              setWord(wordOf(value.slice(selectionStart, selectionEnd)))
            }
          />
        </div>
      </div>
      {word && <SayAs key={word} word={word} done={() => setWord(undefined)} />}
      <Readings />
      <Writing />
      {error && script.trim() && <Failure error={error} />}
      {view?.warnings.map((warning) => (
        <Warning key={warning.reason} warning={warning} />
      ))}
      {view && script.trim() && <Sentences id={`${id}-sentences`} sentences={view.sentences} onSelect={select} />}
    </section>
  );
}

function TitleField() {
  const { t } = useTranslation();
  const { request } = useChoices();
  const id = useId();
  const title = request.title ?? "";
  return (
    <div className="title-field">
      <label className="label" htmlFor={id}>
        {t("script.filmTitle")}
      </label>
      <input
        id={id}
        className="input"
        value={title}
        maxLength={LONGEST_TITLE}
        placeholder={t("script.filmTitlePlaceholder")}
        onChange={(event) => choose({ title: event.target.value })}
      />
      <span className="counter">
        {title.length}/{LONGEST_TITLE}
      </span>
    </div>
  );
}

function Counters({ script, view }: { script: string; view: ScriptView | undefined }) {
  const { t } = useTranslation();
  return (
    <p className="counters" role="status">
      <span>{t("script.characters", { count: Array.from(script).length })}</span>
      {view && <span>{t("script.sentences", { count: view.sentences.length })}</span>}
      {view && <strong>{t("script.seconds", { time: clock(view.seconds) })}</strong>}
    </p>
  );
}

/** Lies behind the text and shows where sentences begin and end. */
function Mirror({ script, sentences }: { script: string; sentences: Sentence[] }) {
  const parts: { text: string; sentence?: Sentence }[] = [];
  let position = 0;
  for (const sentence of sentences) {
    parts.push({ text: codePoints(script, position, sentence.char_start) });
    parts.push({ text: codePoints(script, sentence.char_start, sentence.char_end), sentence });
    position = sentence.char_end;
  }
  parts.push({ text: codePoints(script, position) });
  return (
    <div className="editor-mirror" aria-hidden="true">
      {parts.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no identity but their place
        <span key={index} className={part.sentence && markOf(part.sentence)}>
          {part.text}
        </span>
      ))}
      {"\n"}
    </div>
  );
}

const markOf = (sentence: Sentence) => (sentence.warnings.length > 0 ? "mark mark-warned" : "mark");

type SentencesProps = { id: string; sentences: Sentence[]; onSelect: (sentence: Sentence) => void };

const Sentences = memo(function Sentences({ id, sentences, onSelect }: SentencesProps) {
  const { t } = useTranslation();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a list that scrolls is to be reached by keyboard
    <ol id={id} className="sentences" aria-label={t("script.sentenceList")} tabIndex={0}>
      {sentences.map((sentence) => (
        <li key={sentence.char_start}>
          <button type="button" className="sentence" lang={sentence.language} onClick={() => onSelect(sentence)}>
            <span className="sentence-text">{sentence.text}</span>
            <span className="sentence-time">{sentence.seconds.toFixed(1)} s</span>
            {sentence.reading !== sentence.text && (
              <span className="sentence-reading">
                <span className="sentence-said">{t("script.readAs")}</span> {sentence.reading}
              </span>
            )}
            {sentence.told.map(({ word, reading }, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a word may stand several times in a sentence
              <span key={place} className="sentence-reading">
                <span className="sentence-said">{word}</span> {reading}
              </span>
            ))}
          </button>
          {sentence.warnings.map((warning) => (
            <Warning key={warning.reason} warning={warning} />
          ))}
        </li>
      ))}
    </ol>
  );
});

function Warning({ warning }: { warning: Schemas["ScriptWarning"] }) {
  const { t, i18n } = useTranslation();
  const { reason } = warning;
  const subject = reason === "NO_VOICE" ? languageName(warning.subject, i18n.language) : warning.subject;
  return (
    <p className={warning.reason === "MARKS_LEFT_OUT" ? "warning warning-mild" : "warning"}>
      <Icon name={warning.reason === "MARKS_LEFT_OUT" ? "info" : "warning"} small />
      {t(`warning.${reason}`, { subject })}
    </p>
  );
}
