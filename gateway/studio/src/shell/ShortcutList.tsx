import { type RefObject, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from "../ui/Button.tsx";
import { Switch } from "../ui/parts.tsx";
import { SHORTCUTS, type ShortcutName, singleKeysOn, turnSingleKeys } from "./shortcuts.ts";

export function ShortcutList({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  const { t } = useTranslation();
  const [on, setOn] = useState(singleKeysOn);
  const id = useId();
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id}>
      <header className="card-head">
        <h2 id={id}>{t("shortcuts.title")}</h2>
        <IconButton icon="close" label={t("shortcuts.close")} onClick={() => dialog.current?.close()} />
      </header>
      <dl className="shortcuts">
        {(Object.keys(SHORTCUTS) as ShortcutName[]).map((name) => (
          <div key={name}>
            <dt>{t(`shortcuts.${name}`)}</dt>
            <dd>
              <kbd>{SHORTCUTS[name].shown}</kbd>
            </dd>
          </div>
        ))}
      </dl>
      <Switch
        label={t("shortcuts.single")}
        checked={on}
        onChange={(next) => {
          turnSingleKeys(next);
          setOn(next);
        }}
      />
    </dialog>
  );
}
