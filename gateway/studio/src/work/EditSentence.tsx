import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { type ApiError, api, data, type Job, type Schemas } from "../api/client.ts";
import { useWorkActions } from "../api/queries.ts";
import { codePoints } from "../lib/format.ts";
import { useDebounced } from "../lib/useDebounced.ts";
import { Button } from "../ui/Button.tsx";
import { Failure } from "../ui/Notice.tsx";

const ASK_AFTER_MS = 350;

/** A sentence written anew: the gateway counts what would be made, and the film before stays as it is. */
export function EditSentence({ job, index, close }: { job: Job; index: number; close: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const id = useId();
  const [before, own, after] = cut(job, index);
  const [text, setText] = useState(own);
  const { submit } = useWorkActions();
  const request = { ...job.request, script: before + text + after };
  const forecast = useForecast(useDebounced(request, ASK_AFTER_MS), text !== own);
  const make = (event: FormEvent) => {
    event.preventDefault();
    if (text === own || submit.isPending) return;
    submit.mutate(request, { onSuccess: (next) => navigate(`/works/${next.id}`, { state: { before: job.id } }) });
  };
  return (
    <form className="edit" onSubmit={make}>
      <label className="label" htmlFor={id}>
        {t("edit.label")}
      </label>
      <textarea
        id={id}
        className="input"
        rows={3}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: it was asked for by a press of a button
        autoFocus
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => event.key === "Escape" && close()}
      />
      <p className="hint" role="status">
        {text === own
          ? t("edit.hint")
          : forecast.data
            ? t("edit.count", { count: forecast.data.to_speak, total: forecast.data.sentences.length })
            : t("edit.counting")}
      </p>
      {(forecast.error ?? submit.error) && <Failure error={forecast.error ?? submit.error} />}
      <div className="edit-actions">
        <Button type="submit" look="primary" icon="make" busy={submit.isPending} disabled={text === own}>
          {t("edit.make")}
        </Button>
        <Button look="quiet" onClick={close}>
          {t("edit.close")}
        </Button>
      </div>
    </form>
  );
}

function useForecast(request: Job["request"], changed: boolean) {
  return useQuery<Schemas["Forecast"], ApiError>({
    queryKey: ["forecast", request],
    queryFn: ({ signal }) => data(api.POST("/api/v1/forecast", { body: request, signal })),
    enabled: changed,
    staleTime: 0,
    retry: false,
  });
}

/** The script before a sentence, the sentence as it was written, with its readings, and what follows. */
function cut(job: Job, index: number): [string, string, string] {
  const { script } = job.request;
  const start = job.segments[index]?.char_start ?? 0;
  const end = job.segments[index + 1]?.char_start;
  const own = codePoints(script, start, end);
  const text = own.trimEnd();
  const rest = end === undefined ? "" : codePoints(script, end);
  return [codePoints(script, 0, start), text, own.slice(text.length) + rest];
}
