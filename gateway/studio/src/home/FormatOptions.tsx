import { useTranslation } from "react-i18next";
import { useSafeAreas } from "../api/queries.ts";
import { choose, useChoices } from "../lib/choices.ts";
import { Section, Segmented, Select, Switch } from "../ui/parts.tsx";

const SHAPES = { "9:16": [9, 16], "3:4": [3, 4], "1:1": [1, 1], "16:9": [16, 9] } as const;
const SIDES = ["720", "1080"] as const;

type Shape = keyof typeof SHAPES;
type Side = (typeof SIDES)[number];

export function FormatOptions() {
  const { t } = useTranslation();
  const { request } = useChoices();
  const platforms = ["", ...Object.keys(useSafeAreas().data?.platforms ?? {}).filter((name) => name !== "default")];
  const { width = 1080, height = 1920 } = request;
  const shape = shapeOf(width, height);
  const side = String(Math.min(width, height));
  const resize = (shape: Shape, side: string) => choose(sizeOf(shape, Number(side)));
  return (
    <Section title={t("format.title")}>
      <div className="format">
        <Segmented
          label={t("format.shape")}
          value={shape as Shape}
          options={(Object.keys(SHAPES) as Shape[]).map((value) => ({ value, label: value }))}
          onChange={(next) => resize(next, side)}
        />
        <Segmented
          label={t("format.size")}
          value={side as Side}
          options={[...new Set([...SIDES, side as Side])].map((value) => ({ value, label: `${value}p` }))}
          onChange={(next) => resize(shape ?? "9:16", next)}
        />
        <Segmented
          label={t("format.quality")}
          value={request.quality ?? "standard"}
          options={(["draft", "standard", "best"] as const).map((value) => ({ value, label: t(`quality.${value}`) }))}
          onChange={(quality) => choose({ quality })}
        />
        <Select
          label={t("format.platform")}
          value={request.platform ?? ""}
          options={platforms.map((value) => ({
            value,
            label: t(`platform.${value || "any"}`, { defaultValue: value }),
          }))}
          onChange={(platform) => choose({ platform })}
        />
        <Select
          label={t("format.loudness")}
          value={request.loudness ?? "online"}
          options={(["online", "podcast", "broadcast", "off"] as const).map((value) => ({
            value,
            label: t(`loudness.${value}`),
          }))}
          onChange={(loudness) => choose({ loudness })}
        />
        <Select
          label={t("format.language")}
          value={request.language ?? ""}
          options={["", "zh", "en"].map((value) => ({
            value,
            label: t(`language.${(value || "auto") as "auto"}`),
          }))}
          onChange={(language) => choose({ language })}
        />
      </div>
      <Switch
        label={t("format.label")}
        hint={t("format.labelHint")}
        checked={request.ai_label !== false}
        onChange={(ai_label) => choose({ ai_label })}
      />
    </Section>
  );
}

function shapeOf(width: number, height: number): Shape | undefined {
  return (Object.keys(SHAPES) as Shape[]).find((shape) => width * SHAPES[shape][1] === height * SHAPES[shape][0]);
}

function sizeOf(shape: Shape, side: number): { width: number; height: number } {
  const [across, down] = SHAPES[shape];
  const scale = side / Math.min(across, down);
  return { width: 2 * Math.round((across * scale) / 2), height: 2 * Math.round((down * scale) / 2) };
}
