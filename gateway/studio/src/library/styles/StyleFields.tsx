import { useTranslation } from "react-i18next";
import { useLibrary } from "../../api/queries.ts";
import { nameOf } from "../../lib/format.ts";
import { Segmented, Select, Slider, Switch } from "../../ui/parts.tsx";
import { Colour } from "./Colour.tsx";
import { animated, type Draft, type Role } from "./draft.ts";

type Props = { draft: Draft; role: Role; onChange: (draft: Draft) => void };

/** What most makers want of a style: letters, what stands behind them, how words light up, how they come. */
export function StyleFields({ draft, role, onChange }: Props) {
  const { t } = useTranslation();
  const change = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  const { fill, outline, box, highlight, position } = draft;
  return (
    <>
      <FontField draft={draft} onChange={change} />
      <Slider
        label={t("style.size")}
        value={Math.round(draft.size * 1000)}
        min={20}
        max={150}
        step={1}
        text={`${(draft.size * 100).toFixed(1)} %`}
        onChange={(size) => change({ size: size / 1000 })}
      />
      <Colour label={t("style.fill")} value={fill.color} onChange={(color) => change({ fill: { ...fill, color } })} />
      <Slider
        label={t("style.outline")}
        value={Math.round(outline.width * 100)}
        min={0}
        max={30}
        step={1}
        text={`${Math.round(outline.width * 100)} %`}
        onChange={(width) => change({ outline: { ...outline, width: width / 100 } })}
      />
      {outline.width > 0 && (
        <Colour
          label={t("style.outlineColour")}
          value={outline.color}
          onChange={(color) => change({ outline: { ...outline, color } })}
        />
      )}
      <Segmented
        label={t("style.box")}
        value={box.mode}
        options={(["none", "line", "block"] as const).map((value) => ({ value, label: t(`style.box_${value}`) }))}
        onChange={(mode) => change({ box: { ...box, mode } })}
      />
      {box.mode !== "none" && (
        <Colour
          label={t("style.boxColour")}
          value={box.color}
          onChange={(color) => change({ box: { ...box, color } })}
        />
      )}
      {role === "subtitle" && <Highlight highlight={highlight} onChange={(next) => change({ highlight: next })} />}
      <Segmented
        label={t("style.vertical")}
        value={position.vertical}
        options={(["top", "middle", "bottom"] as const).map((value) => ({
          value,
          label: t(`style.vertical_${value}`),
        }))}
        onChange={(vertical) => change({ position: { ...position, vertical } })}
      />
      <Segmented
        label={t("style.in")}
        value={draft.in.kind}
        options={(["none", "fade", "pop", "slide"] as const).map((value) => ({ value, label: t(`style.in_${value}`) }))}
        onChange={(kind) => change({ in: animated(draft.in, kind) })}
      />
      <Switch label={t("style.uppercase")} checked={draft.uppercase} onChange={(uppercase) => change({ uppercase })} />
    </>
  );
}

function FontField({ draft, onChange }: { draft: Draft; onChange: (part: Partial<Draft>) => void }) {
  const { t, i18n } = useTranslation();
  const { fonts } = useLibrary();
  const key = ({ id, weight }: Draft["font"]) => `${id} ${weight}`;
  const items = (fonts.data?.items ?? []).filter((font) => !font.italic);
  const known = items.map((font) => ({ id: font.font_id, weight: font.weight, label: nameOf(font, i18n.language) }));
  const all = known.some((font) => key(font) === key(draft.font))
    ? known
    : [{ ...draft.font, label: draft.font.id }, ...known];
  return (
    <Select
      label={t("style.font")}
      value={key(draft.font)}
      options={all.map((font) => ({ value: key(font), label: font.label }))}
      onChange={(chosen) => {
        const font = all.find((each) => key(each) === chosen);
        if (font) onChange({ font: { id: font.id, weight: font.weight } });
      }}
    />
  );
}

type HighlightProps = { highlight: Draft["highlight"]; onChange: (highlight: Draft["highlight"]) => void };

function Highlight({ highlight, onChange }: HighlightProps) {
  const { t } = useTranslation();
  const modes = ["none", "word", "karaoke", "pill"] as const;
  return (
    <>
      <Segmented
        label={t("style.highlight")}
        value={highlight.mode}
        options={modes.map((value) => ({ value, label: t(`style.highlight_${value}`) }))}
        onChange={(mode) => onChange({ ...highlight, mode })}
      />
      {highlight.mode !== "none" && (
        <Colour
          label={t("style.highlightColour")}
          value={highlight.color}
          onChange={(color) => onChange({ ...highlight, color })}
        />
      )}
      {highlight.mode === "pill" && (
        <Colour
          label={t("style.pillColour")}
          value={highlight.pill_color}
          onChange={(pill_color) => onChange({ ...highlight, pill_color })}
        />
      )}
    </>
  );
}
