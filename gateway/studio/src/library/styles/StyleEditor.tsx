import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Style } from "../../api/client.ts";
import { queryClient, useLibrary } from "../../api/queries.ts";
import { type Uploaded, upload } from "../../api/upload.ts";
import { chosenFootage } from "../../home/PresenterPicker.tsx";
import { Sample, sampleOf } from "../../home/Sample.tsx";
import { useChoices } from "../../lib/choices.ts";
import { nameOf } from "../../lib/format.ts";
import { Button } from "../../ui/Button.tsx";
import { Failure } from "../../ui/Notice.tsx";
import { Section } from "../../ui/parts.tsx";
import { tell } from "../../ui/Toasts.tsx";
import { draftOf, fileOf, named } from "./draft.ts";
import { FineFields } from "./FineFields.tsx";
import { StyleFields } from "./StyleFields.tsx";
import "./style-editor.css";

/** A style made from another one, beside a picture that the engine of the film draws with it. */
export function StyleEditor({ base, close }: { base: Style; close: () => void }) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const [draft, setDraft] = useState(() => draftOf(base, t("style.copyOf", { name: nameOf(base, i18n.language) })));
  const name = draft.names.en;
  const save = useMutation<Uploaded>({
    mutationFn: () =>
      upload("styles", fileOf(draft), { role: base.role, name }, () => undefined, new AbortController().signal),
    onSuccess: () => {
      void queryClient.invalidateQueries({ queryKey: ["styles"] });
      tell(t("style.saved", { name }));
      close();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() && !save.isPending) save.mutate();
  };
  return (
    <Section title={t("style.title")}>
      <form className="style-editor" onSubmit={submit}>
        <div className="style-fields">
          <label className="label" htmlFor={id}>
            {t("style.name")}
          </label>
          <input
            id={id}
            className="input"
            value={name}
            maxLength={20}
            // biome-ignore lint/a11y/noAutofocus: it was asked for by a press of a button
            autoFocus
            onChange={(event) => setDraft(named(draft, event.target.value))}
          />
          <StyleFields draft={draft} role={base.role} onChange={setDraft} />
          <FineFields draft={draft} onChange={setDraft} />
          {save.error && <Failure error={save.error} />}
          <div className="style-actions">
            <Button type="submit" look="primary" icon="check" busy={save.isPending} disabled={!name.trim()}>
              {t("style.save")}
            </Button>
            <Button look="quiet" onClick={close}>
              {t("style.close")}
            </Button>
          </div>
        </div>
        <div className="look style-look">
          <Drawn draft={{ [base.role]: draft }} title={base.role === "title" ? t("style.sampleTitle") : undefined} />
        </div>
      </form>
    </Section>
  );
}

/** With the presenter and the shape that are chosen for the next film. */
function Drawn({ draft, title }: { draft: Record<string, object>; title: string | undefined }) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const { footage } = useLibrary();
  const presenter = chosenFootage(footage.data?.items ?? [], request.footage ?? "");
  const seen = { ...request, captions: "drawn" as const, title: title ?? "" };
  return (
    <Sample
      request={{ ...sampleOf(seen, t("style.sample")), drafts: draft as Record<string, Record<string, unknown>> }}
      ready={presenter !== undefined}
      poster={presenter?.poster_url}
    />
  );
}
