import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useLibrary, useScript, useWorkActions } from "../api/queries.ts";
import { currentChoices, dropMissing, resetChoices, useChoices } from "../lib/choices.ts";
import { clock } from "../lib/format.ts";
import { stopSound } from "../lib/sound.ts";
import { useDebounced } from "../lib/useDebounced.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { useShortcut } from "../shell/shortcuts.ts";
import { Button } from "../ui/Button.tsx";
import { Failure, Notice } from "../ui/Notice.tsx";
import { tell } from "../ui/Toasts.tsx";
import { DemoOffer } from "./DemoOffer.tsx";
import { FormatOptions } from "./FormatOptions.tsx";
import { LookPicker } from "./LookPicker.tsx";
import { LookPreview } from "./LookPreview.tsx";
import { MusicPicker } from "./MusicPicker.tsx";
import { PresenterPicker } from "./PresenterPicker.tsx";
import { Presets } from "./Presets.tsx";
import { ScriptEditor } from "./ScriptEditor.tsx";
import { VoicePicker } from "./VoicePicker.tsx";
import "./home.css";

const ASK_AFTER_MS = 350;

export function Home() {
  const { t } = useTranslation();
  const library = useLibrary();
  const { request } = useChoices();
  usePageTitle(t("nav.create"));
  useDropMissing(library);
  useEffect(() => stopSound, []);
  const { script, language, voice, speed, caption_style, pronunciations } = request;
  const question = useDebounced(
    {
      script,
      ...(language && { language }),
      ...(voice && { voice }),
      ...(speed && { speed }),
      ...(caption_style && { caption_style }),
      ...(pronunciations?.length && { pronunciations }),
    },
    ASK_AFTER_MS,
  );
  const view = useScript(question);
  const shown = question.script.trim() ? view.data : undefined;

  return (
    <div className="home">
      <h1 className="hidden">{t("nav.create")}</h1>
      <div className="home-main">
        <DemoOffer />
        <ScriptEditor view={shown} viewOf={view.isPlaceholderData ? undefined : question.script} error={view.error} />
        <PresenterPicker footage={library.footage} />
        <VoicePicker voices={library.voices} sample={shown?.sentences[0]?.text} />
        <MusicPicker music={library.music} />
        <LookPicker styles={library.styles} />
        <FormatOptions />
        <Presets />
      </div>
      <aside className="home-side" aria-label={t("submit.title")}>
        <LookPreview sentence={shown?.sentences[0]?.text} />
        <Submit sentences={shown?.sentences.length ?? 0} seconds={shown?.seconds ?? 0} />
      </aside>
    </div>
  );
}

function Submit({ sentences, seconds }: { sentences: number; seconds: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { submit } = useWorkActions();
  const [empty, setEmpty] = useState(false);
  const { request } = useChoices();
  const make = () => {
    const { request } = currentChoices();
    setEmpty(!request.script.trim());
    if (!request.script.trim() || submit.isPending) return;
    submit.mutate(request, { onSuccess: (job) => navigate(`/works/${job.id}`) });
  };
  useShortcut("make", make);
  return (
    <div className="submit">
      {empty && !request.script.trim() && <Notice tone="warning">{t("submit.empty")}</Notice>}
      {submit.error && <Failure error={submit.error} />}
      <Button look="primary" icon="make" className="submit-button" busy={submit.isPending} onClick={make}>
        {t("submit.make")}
      </Button>
      <p className="submit-facts">
        {sentences > 0 ? t("submit.facts", { count: sentences, time: clock(seconds) }) : t("submit.hint")}
      </p>
      <Button
        look="quiet"
        icon="retry"
        onClick={() => {
          const undo = resetChoices();
          tell(t("submit.wasReset"), undo);
        }}
      >
        {t("submit.reset")}
      </Button>
    </div>
  );
}

function useDropMissing(library: ReturnType<typeof useLibrary>) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const footage = library.footage.data?.items;
  const voices = library.voices.data;
  const music = library.music.data?.items;
  const styles = library.styles.data?.items;
  const chosen = [request.footage, request.voice, request.music, request.caption_style, request.title_style].join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: presets of others may name what is not here
  useEffect(() => {
    if (!footage || !voices || !music || !styles || voices.problem) return;
    const ids = (entries: { id: string }[]) => entries.map((entry) => entry.id);
    const missing = dropMissing({
      footage: ids(footage),
      voices: [...ids(voices.engine), ...ids(voices.items)],
      music: ids(music),
      styles: ids(styles),
    });
    if (missing.length === 0) return;
    const what = missing.map((field) => t(`dropped.${field}`)).join(t("dropped.and"));
    tell(t("dropped.notice", { what }));
  }, [footage, voices, music, styles, chosen, t]);
}
