import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ApiError, api, data } from "../api/client.ts";
import { spoken } from "../api/speech.ts";
import { choose, currentChoices, useChoices } from "../lib/choices.ts";
import { AuditionButton } from "../ui/AuditionButton.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { Failure } from "../ui/Notice.tsx";

const LONGEST_WORD = 40;

/** The selected text, if it can be a word with a reading of its own. */
export function wordOf(selected: string): string | undefined {
  const word = selected.trim();
  return word && word.length <= LONGEST_WORD && !/[[\]|=<>\n]/.test(word) ? word : undefined;
}

/** How a word is said wherever it stands: other words, pinyin with tones, or IPA between slashes. */
export function SayAs({ word, done }: { word: string; done: () => void }) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const id = useId();
  const [reading, setReading] = useState("");
  const check = useMutation<unknown, ApiError, string>({
    mutationFn: (entry) => data(api.POST("/api/v1/script", { body: { script: word, pronunciations: [entry] } })),
    onSuccess: (_, entry) => {
      keep(word, entry);
      done();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reading.trim()) check.mutate(`${word}=${reading.trim()}`);
  };
  return (
    <form className="say-as" onSubmit={submit}>
      <label htmlFor={id} className="label">
        {t("say.as", { word })}
      </label>
      <input
        id={id}
        className="input"
        value={reading}
        maxLength={200}
        placeholder={t("say.hint")}
        onChange={(event) => setReading(event.target.value)}
      />
      <AuditionButton
        id={`say ${word}`}
        name={reading || word}
        source={() => spoken(reading ? `[${word}|${reading}]` : word, request.voice ?? "", request.speed ?? 1)}
      />
      <Button type="submit" icon="check" busy={check.isPending}>
        {t("say.keep")}
      </Button>
      {check.error && <Failure error={check.error} />}
    </form>
  );
}

/** All readings that are kept, for this film and those after it. */
export function Readings() {
  const { t } = useTranslation();
  const { request } = useChoices();
  const entries = request.pronunciations ?? [];
  if (entries.length === 0) return null;
  return (
    <ul className="readings" aria-label={t("say.list")}>
      {entries.map((entry) => (
        <li key={entry} className="reading">
          {entry.replace("=", " → ")}
          <IconButton icon="close" label={t("say.remove", { word: wordIn(entry) })} onClick={() => drop(entry)} />
        </li>
      ))}
    </ul>
  );
}

const wordIn = (entry: string) => entry.slice(0, entry.indexOf("=")).trim();
const kept = () => currentChoices().request.pronunciations ?? [];

function keep(word: string, entry: string): void {
  choose({ pronunciations: [...kept().filter((each) => wordIn(each) !== word), entry] });
}

function drop(entry: string): void {
  choose({ pronunciations: kept().filter((each) => each !== entry) });
}
