import { useQuery } from "@tanstack/react-query";
import { memo, type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Job, reach, type Schemas } from "../api/client.ts";
import { clock, codePoints } from "../lib/format.ts";
import { IconButton } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Section } from "../ui/parts.tsx";
import { EditSentence } from "./EditSentence.tsx";

const FRAMES_A_SECOND = 25;

type Word = { segment: number; text: string; char_start: number; char_end: number; start_s: number; end_s: number };
type Segment = Schemas["Segment"];
type Props = { job: Job; time_s: number; onSeek: (to_s: number) => void };

/** What is said. A click leads to the word; the word that is spoken lights up. While the film is made, what is done. */
export function Transcript({ job, time_s, onSeek }: Props) {
  const { t } = useTranslation();
  const words = useWords(job);
  const now = useMemo(() => spokenAt(words, time_s), [words, time_s]);
  const [edited, setEdited] = useState<number>();
  const bySegment = useMemo(() => grouped(words), [words]);
  if (job.segments.length === 0) return null;
  const speaking = segmentAt(job.segments, time_s);
  return (
    <Section title={t("transcript.title")} aside={words.length > 0 && <p className="hint">{t("transcript.hint")}</p>}>
      <ol className="transcript">
        {job.segments.map((segment, index) => (
          <Sentence
            key={segment.char_start}
            segment={segment}
            words={bySegment.get(index)}
            now={now?.segment === index && time_s > 0 ? now : undefined}
            speaking={speaking === index && time_s > 0}
            stopped={job.state === "cancelled" || job.state === "failed"}
            onSeek={onSeek}
            index={index}
            onEdit={job.state === "done" ? setEdited : undefined}
            editor={edited === index && <EditSentence job={job} index={index} close={() => setEdited(undefined)} />}
          />
        ))}
      </ol>
    </Section>
  );
}

type SentenceProps = {
  segment: Segment;
  words: Word[] | undefined;
  now: Word | undefined;
  speaking: boolean;
  stopped: boolean;
  onSeek: (to_s: number) => void;
  index: number;
  onEdit: ((index: number) => void) | undefined;
  editor: ReactNode;
};

const Sentence = memo(function Sentence(props: SentenceProps) {
  const { segment, words, now, speaking, stopped, onSeek, index, onEdit, editor } = props;
  const { t } = useTranslation();
  const start_s = segment.first_film_frame === null ? null : segment.first_film_frame / FRAMES_A_SECOND;
  const playable = segment.filmed && start_s !== null;
  return (
    <li className={speaking ? "line line-speaking" : "line"}>
      {playable ? (
        <button
          type="button"
          className="line-time"
          aria-label={t("transcript.goTo", { time: clock(start_s) })}
          onClick={() => onSeek(start_s)}
        >
          {clock(start_s)}
        </button>
      ) : (
        <span className="line-state" title={t(stateOf(segment, stopped))}>
          <Icon name={segment.spoken ? "voice" : stopped ? "text" : "loading"} small />
          <span className="hidden">{t(stateOf(segment, stopped))}</span>
        </span>
      )}
      <p className={playable ? "line-text" : "line-text line-waiting"}>
        {words ? spokenWords(segment.text, words, now, onSeek) : segment.text}
      </p>
      {onEdit && !editor && (
        <IconButton
          icon="edit"
          className="line-edit"
          label={t("edit.open", { number: index + 1 })}
          onClick={() => onEdit(index)}
        />
      )}
      {editor}
    </li>
  );
});

function stateOf(segment: Segment, stopped: boolean) {
  if (segment.filmed) return "transcript.filmed" as const;
  if (segment.spoken) return "transcript.spoken" as const;
  return stopped ? ("transcript.notMade" as const) : ("transcript.waiting" as const);
}

function spokenWords(text: string, words: Word[], now: Word | undefined, onSeek: (to_s: number) => void): ReactNode[] {
  const parts: ReactNode[] = [];
  let position = 0;
  for (const word of words) {
    parts.push(codePoints(text, position, word.char_start));
    parts.push(
      <button
        key={word.char_start}
        type="button"
        tabIndex={-1}
        className={word === now ? "word word-now" : "word"}
        onClick={() => onSeek(word.start_s)}
      >
        {word.text}
      </button>,
    );
    position = word.char_end;
  }
  parts.push(codePoints(text, position));
  return parts;
}

/** The words with their times; none for a film without. */
function useWords(job: Job): Word[] {
  const file = job.outputs["words.json"];
  const query = useQuery({
    queryKey: ["words", file?.sha256],
    queryFn: async () => (await reach(new Request(new URL(file?.url ?? "", location.href)))).json() as Promise<Word[]>,
    enabled: file !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  return query.data ?? NO_WORDS;
}

const NO_WORDS: Word[] = [];

function grouped(words: Word[]): Map<number, Word[]> {
  const groups = new Map<number, Word[]>();
  for (const word of words) {
    const group = groups.get(word.segment);
    if (group) group.push(word);
    else groups.set(word.segment, [word]);
  }
  return groups;
}

function spokenAt(words: Word[], time_s: number): Word | undefined {
  let least = 0;
  let most = words.length;
  while (least < most) {
    const middle = (least + most) >> 1;
    if ((words[middle] as Word).start_s <= time_s) least = middle + 1;
    else most = middle;
  }
  const word = words[least - 1];
  return word && time_s < word.end_s ? word : undefined;
}

function segmentAt(segments: Segment[], time_s: number): number {
  return segments.findLastIndex(
    ({ first_film_frame }) => first_film_frame !== null && first_film_frame / FRAMES_A_SECOND <= time_s,
  );
}
