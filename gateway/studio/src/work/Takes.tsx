import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { AuditionButton } from "../ui/AuditionButton.tsx";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Notice.tsx";
import { type Change, heard, MOST_TAKES, takeSound, useAnotherTake } from "./revision.ts";

type Props = {
  job: Job;
  change: Change;
  /** Those that are kept. */
  kept: number[];
  chosen: number;
  onChoose: (take: number) => void;
};

/** The takes of a sentence side by side: each can be heard, one is chosen. */
export function Takes({ job, change, kept, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const [alike, setAlike] = useState(false);
  const takes = [...new Set([...kept, chosen])].sort((one, other) => one - other);
  const another = useAnotherTake(job, change, takes, (take) => {
    setAlike(take === undefined);
    if (take !== undefined) onChoose(take);
  });
  return (
    <fieldset className="takes">
      <legend className="label">{t("edit.takes")}</legend>
      {takes.map((take) => (
        <div key={take} className={take === chosen ? "take take-on" : "take"}>
          <label>
            <input type="radio" name="take" checked={take === chosen} onChange={() => onChoose(take)} />
            {t("edit.take", { number: take + 1 })}
          </label>
          <AuditionButton
            id={takeSound(change, take)}
            name={t("edit.take", { number: take + 1 })}
            gain="levelled"
            source={() => heard(job, { ...change, take })}
          />
        </div>
      ))}
      {takes.length < MOST_TAKES && (
        <Button icon="voice" busy={another.isPending} onClick={() => another.mutate()}>
          {t("edit.another")}
        </Button>
      )}
      {alike && (
        <p className="hint" role="status">
          {t("edit.alike")}
        </p>
      )}
      {another.error && <Failure error={another.error} />}
    </fieldset>
  );
}
