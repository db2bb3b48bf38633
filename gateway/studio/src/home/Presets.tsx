import { type FormEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  applyPreset,
  keepPreset,
  type Preset,
  presetFile,
  removePreset,
  takePresetFile,
  usePresets,
} from "../lib/presets.ts";
import { Button, IconButton } from "../ui/Button.tsx";
import { Section } from "../ui/parts.tsx";
import { tell } from "../ui/Toasts.tsx";

/** Settings under a name, to be taken again or given to somebody else. */
export function Presets() {
  const { t } = useTranslation();
  const presets = usePresets();
  return (
    <Section title={t("presets.title")} aside={<p className="hint">{t("presets.hint")}</p>}>
      {presets.length > 0 && (
        <ul className="presets" aria-label={t("presets.title")}>
          {presets.map((preset) => (
            <PresetRow key={preset.name} preset={preset} />
          ))}
        </ul>
      )}
      <KeepForm />
    </Section>
  );
}

function PresetRow({ preset }: { preset: Preset }) {
  const { t } = useTranslation();
  const { name } = preset;
  const take = () => {
    const undo = applyPreset(preset);
    tell(t("presets.taken", { name }), undo);
  };
  return (
    <li className="preset">
      <Button look="quiet" icon="style" onClick={take}>
        {name}
      </Button>
      <IconButton icon="download" label={t("presets.share", { name })} onClick={() => share(preset)} />
      <IconButton
        icon="delete"
        label={t("presets.remove", { name })}
        onClick={() => tell(t("presets.removed", { name }), removePreset(name))}
      />
    </li>
  );
}

function KeepForm() {
  const { t } = useTranslation();
  const id = useId();
  const [name, setName] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const keep = (event: FormEvent) => {
    event.preventDefault();
    if (!name.trim()) return;
    keepPreset(name.trim());
    tell(t("presets.kept", { name: name.trim() }));
    setName("");
  };
  const take = async (chosen: File | undefined) => {
    try {
      if (chosen) tell(t("presets.kept", { name: takePresetFile(await chosen.text()).name }));
    } catch {
      tell(t("presets.noPreset"));
    }
  };
  return (
    <form className="preset-form" onSubmit={keep}>
      <label className="label" htmlFor={id}>
        {t("presets.name")}
      </label>
      <input id={id} className="input" value={name} maxLength={60} onChange={(event) => setName(event.target.value)} />
      <Button type="submit" icon="plus">
        {t("presets.keep")}
      </Button>
      <Button icon="upload" onClick={() => file.current?.click()}>
        {t("presets.take")}
      </Button>
      <input
        ref={file}
        type="file"
        accept=".json,application/json"
        hidden
        aria-label={t("presets.take")}
        onChange={(event) => {
          void take(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
    </form>
  );
}

function share(preset: Preset): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(presetFile(preset));
  link.download = `${preset.name.replace(/[/\\:]/g, "_")}.preset.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}
