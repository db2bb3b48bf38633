import { useCallback, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { type BrokenOff, brokenOff, type Transfer } from "../api/parts.ts";
import { queryClient } from "../api/queries.ts";
import { type Entry, type Kind, upload } from "../api/upload.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Bar } from "../ui/parts.tsx";
import { Details, type Told, toldBy } from "./Details.tsx";
import { factsOf } from "./EntryCard.tsx";
import { Recorder } from "./recording/Recorder.tsx";

const ACCEPT: Record<Kind, string> = {
  footage: "video/*,image/*",
  voices: "audio/*,video/*",
  music: "audio/*",
  fonts: ".ttf,.otf,.woff,.woff2",
  styles: ".json,application/json",
};

type Sending = {
  id: number;
  name: string;
  share: number;
  leaving: AbortController;
  transfer?: Transfer;
  paused?: boolean;
  error?: unknown;
  entry?: Entry;
  existed?: boolean;
};

let last = 0;

/** Takes files that are dropped on the page, pasted or picked, and tells what was found in each. */
export function Uploader({ kind }: { kind: Kind }) {
  const { t } = useTranslation();
  const [sendings, setSendings] = useState<Sending[]>([]);
  const [told, setTold] = useState<Told>({ person: "", statement: "", role: "subtitle" });
  const [asked, setAsked] = useState(false);
  const [broken, look] = useBrokenOff(kind);
  const pick = useRef<HTMLInputElement>(null);
  const hint = useId();
  const ready = kind !== "voices" || (told.person.trim() !== "" && told.statement.trim() !== "");

  const send = useCallback(
    (files: Iterable<File>, more: Record<string, string> = {}) => {
      setAsked(!ready);
      if (!ready) return false;
      for (const file of files) {
        last += 1;
        const sending: Sending = { id: last, name: file.name, share: 0, leaving: new AbortController() };
        const change = (more: Partial<Sending>) =>
          setSendings((all) => all.map((each) => (each.id === sending.id ? { ...each, ...more } : each)));
        setSendings((all) => [...all, sending]);
        upload(
          kind,
          file,
          { ...toldBy(kind, told), ...more },
          (share) => change({ share }),
          sending.leaving.signal,
          (transfer) => {
            change({ transfer });
            look();
          },
        )
          .then(
            ({ entry, existed }) => {
              change({ share: 1, entry, existed });
              void queryClient.invalidateQueries({ queryKey: [kind] });
            },
            (error: unknown) => change({ error }),
          )
          .finally(look);
      }
      return true;
    },
    [kind, told, ready, look],
  );
  const over = useDropAndPaste(send);
  const pause = ({ id, transfer, paused }: Sending) => {
    if (paused) transfer?.resume();
    else transfer?.pause();
    setSendings((all) => all.map((each) => (each.id === id ? { ...each, paused: !paused } : each)));
  };
  const choose = () => (ready ? pick.current?.click() : setAsked(true));
  const close = (sending: Sending) => {
    sending.leaving.abort();
    setSendings((all) => all.filter((each) => each !== sending));
  };

  return (
    <section className={over ? "uploader uploader-over" : "uploader"} aria-label={t("upload.title")}>
      <Details kind={kind} told={told} asked={asked} onChange={setTold} />
      {kind === "voices" && <Recorder onKeep={(file, read) => send([file], read)} />}
      <div className="dropzone">
        <Icon name="upload" />
        <p>
          <strong>{t(`upload.${kind}`)}</strong>
          <span id={hint} className="hint">
            {t(`upload.${kind}Hint`)}
          </span>
        </p>
        <Button aria-describedby={hint} onClick={choose}>
          {t("upload.pick")}
        </Button>
        <input
          ref={pick}
          type="file"
          hidden
          multiple
          accept={ACCEPT[kind]}
          onChange={(event) => {
            send([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
      </div>
      <ul className="sendings" aria-live="polite">
        {broken.map((each) => (
          <BrokenOffRow key={each.name} broken={each} choose={choose} look={look} />
        ))}
        {sendings.map((sending) => (
          <SendingRow
            key={sending.id}
            kind={kind}
            sending={sending}
            onPause={() => pause(sending)}
            onClose={() => close(sending)}
          />
        ))}
      </ul>
    </section>
  );
}

/** What broke off, told until its file is chosen again. */
function useBrokenOff(kind: Kind): [BrokenOff[], () => void] {
  const [broken, setBroken] = useState<BrokenOff[]>([]);
  const look = useCallback(() => void brokenOff(kind).then(setBroken, () => setBroken([])), [kind]);
  useEffect(look, [look]);
  return [broken, look];
}

function BrokenOffRow({ broken, choose, look }: { broken: BrokenOff; choose: () => void; look: () => void }) {
  const { t } = useTranslation();
  const { name, forget } = broken;
  return (
    <li className="sending">
      <div className="sending-head">
        <strong>{name}</strong>
        <IconButton icon="close" label={t("upload.forget", { name })} onClick={() => void forget().then(look)} />
      </div>
      <div className="sending-head">
        <span className="hint">{t("upload.broken")}</span>
        <Button look="quiet" icon="retry" onClick={choose}>
          {t("upload.again")}
        </Button>
      </div>
    </li>
  );
}

type RowProps = { kind: Kind; sending: Sending; onPause: () => void; onClose: () => void };

function SendingRow({ kind, sending, onPause, onClose }: RowProps) {
  const { t, i18n } = useTranslation();
  const { name, share, entry, existed, error, transfer, paused } = sending;
  const moving = !entry && error === undefined && share < 1;
  return (
    <li className="sending">
      <div className="sending-head">
        <strong>{name}</strong>
        {moving && transfer && (
          <IconButton
            icon={paused ? "play" : "pause"}
            label={t(paused ? "upload.resume" : "upload.pause", { name })}
            onClick={onPause}
          />
        )}
        <IconButton
          icon="close"
          label={t(entry || error ? "upload.dismiss" : "upload.end", { name })}
          onClick={onClose}
        />
      </div>
      {error !== undefined && <Failure error={error} />}
      {!entry && error === undefined && (
        <>
          <Bar label={name} percent={share < 1 ? share * 100 : null} />
          <span className="hint">
            {share < 1
              ? t(paused ? "upload.paused" : "upload.sent", { percent: Math.floor(share * 100) })
              : t("upload.looking")}
          </span>
        </>
      )}
      {entry && (
        <p className="sending-done">
          <Icon name="done" small /> {t(existed ? "upload.existed" : "upload.added")}{" "}
          {factsOf(t, kind, entry, i18n.language)}
        </p>
      )}
    </li>
  );
}

/** Files from anywhere on the page; tells whether some are held over it. */
function useDropAndPaste(send: (files: Iterable<File>) => void): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const entered = (event: DragEvent) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      setOver(true);
    };
    const left = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const dropped = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      send(event.dataTransfer?.files ?? []);
    };
    const pasted = (event: ClipboardEvent) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length > 0) send(files);
    };
    window.addEventListener("dragover", entered);
    window.addEventListener("dragleave", left);
    window.addEventListener("drop", dropped);
    window.addEventListener("paste", pasted);
    return () => {
      window.removeEventListener("dragover", entered);
      window.removeEventListener("dragleave", left);
      window.removeEventListener("drop", dropped);
      window.removeEventListener("paste", pasted);
    };
  }, [send]);
  return over;
}
