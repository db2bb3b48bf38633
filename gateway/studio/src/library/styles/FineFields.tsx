import { useTranslation } from "react-i18next";
import { Segmented, Select, Slider, Switch } from "../../ui/parts.tsx";
import { Colour } from "./Colour.tsx";
import { type Animation, animated, type Draft, isSeen, type Room, shadowed } from "./draft.ts";

type Props = { draft: Draft; onChange: (draft: Draft) => void };

const MS_A_FRAME = 40;

/** What few makers change: how lines are set, the shadow, the room in boxes, where and how the block comes and goes. */
export function FineFields({ draft, onChange }: Props) {
  const { t } = useTranslation();
  const change = (part: Partial<Draft>) => onChange({ ...draft, ...part });
  return (
    <details className="style-more">
      <summary>{t("style.more")}</summary>
      <div className="style-fields">
        <Lines draft={draft} change={change} />
        <Gradient fill={draft.fill} onChange={(fill) => change({ fill })} />
        <Shadow shadow={draft.shadow} onChange={(shadow) => change({ shadow })} />
        {draft.box.mode !== "none" && (
          <RoomFields
            name={t("style.box")}
            room={draft.box}
            onChange={(room) => change({ box: { ...draft.box, ...room } })}
          />
        )}
        {draft.highlight.mode === "pill" && (
          <RoomFields
            name={t("style.highlight_pill")}
            room={draft.highlight}
            onChange={(room) => change({ highlight: { ...draft.highlight, ...room } })}
          />
        )}
        <Select
          label={t("style.area")}
          value={draft.position.area}
          options={(["caption", "title", "safe"] as const).map((value) => ({ value, label: t(`style.area_${value}`) }))}
          onChange={(area) => change({ position: { ...draft.position, area } })}
        />
        <Frames label={t("style.inTime")} animation={draft.in} onChange={(next) => change({ in: next })} />
        <Segmented
          label={t("style.out")}
          value={draft.out.kind}
          options={(["none", "fade", "pop", "slide"] as const).map((value) => ({
            value,
            label: t(`style.out_${value}`),
          }))}
          onChange={(kind) => change({ out: animated(draft.out, kind) })}
        />
        <Frames label={t("style.outTime")} animation={draft.out} onChange={(next) => change({ out: next })} />
      </div>
    </details>
  );
}

function Lines({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Share
        label={t("style.lineHeight")}
        value={draft.line_height}
        range={[0.8, 2]}
        onChange={(line_height) => change({ line_height })}
      />
      <Share
        label={t("style.letterSpacing")}
        value={draft.letter_spacing}
        range={[-0.1, 0.5]}
        onChange={(letter_spacing) => change({ letter_spacing })}
      />
      <Segmented
        label={t("style.alignment")}
        value={draft.alignment}
        options={(["left", "center", "right"] as const).map((value) => ({
          value,
          label: t(`style.alignment_${value}`),
        }))}
        onChange={(alignment) => change({ alignment })}
      />
      <Segmented
        label={t("style.maxLines")}
        value={`${draft.max_lines}`}
        options={["1", "2", "3", "4"].map((value) => ({ value, label: value }))}
        onChange={(lines) => change({ max_lines: Number(lines) })}
      />
      <Switch
        label={t("style.punctuation")}
        hint={t("style.punctuationHint")}
        checked={draft.punctuation === "full"}
        onChange={(full) => change({ punctuation: full ? "full" : "clean" })}
      />
    </>
  );
}

function Gradient({ fill, onChange }: { fill: Draft["fill"]; onChange: (fill: Draft["fill"]) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Switch
        label={t("style.gradient")}
        checked={fill.to !== null}
        onChange={(on) => onChange({ ...fill, to: on ? fill.color : null })}
      />
      {fill.to !== null && (
        <Colour label={t("style.gradientTo")} value={fill.to} onChange={(to) => onChange({ ...fill, to })} />
      )}
    </>
  );
}

function Shadow({ shadow, onChange }: { shadow: Draft["shadow"]; onChange: (shadow: Draft["shadow"]) => void }) {
  const { t } = useTranslation();
  const seen = isSeen(shadow);
  return (
    <>
      <Switch label={t("style.shadow")} checked={seen} onChange={(on) => onChange(shadowed(shadow, on))} />
      {seen && (
        <>
          <Colour
            label={t("style.shadowColour")}
            value={shadow.color}
            onChange={(color) => onChange({ ...shadow, color })}
          />
          {(["x", "y"] as const).map((axis) => (
            <Share
              key={axis}
              label={t(`style.shadow_${axis}`)}
              value={shadow[axis]}
              range={[-0.3, 0.3]}
              onChange={(shift) => onChange({ ...shadow, [axis]: shift })}
            />
          ))}
          <Share
            label={t("style.shadowBlur")}
            value={shadow.blur}
            range={[0, 0.5]}
            onChange={(blur) => onChange({ ...shadow, blur })}
          />
        </>
      )}
    </>
  );
}

function RoomFields({ name, room, onChange }: { name: string; room: Room; onChange: (room: Partial<Room>) => void }) {
  const { t } = useTranslation();
  return (["padding_x", "padding_y", "radius"] as const).map((key) => (
    <Share
      key={key}
      label={t(`style.${key}`, { name })}
      value={room[key]}
      range={[0, 1]}
      onChange={(value) => onChange({ [key]: value })}
    />
  ));
}

type FramesProps = { label: string; animation: Animation; onChange: (animation: Animation) => void };

function Frames({ label, animation, onChange }: FramesProps) {
  if (animation.kind === "none") return null;
  return (
    <Slider
      label={label}
      value={animation.frames}
      min={1}
      max={15}
      step={1}
      text={`${((animation.frames * MS_A_FRAME) / 1000).toFixed(2)} s`}
      onChange={(frames) => onChange({ ...animation, frames })}
    />
  );
}

type ShareProps = { label: string; value: number; range: [number, number]; onChange: (value: number) => void };

/** A share of the size of the letters; one that is beyond the range of the slider stays until it is moved. */
function Share({ label, value, range, onChange }: ShareProps) {
  const percent = Math.round(value * 100);
  return (
    <Slider
      label={label}
      value={percent}
      min={Math.round(range[0] * 100)}
      max={Math.round(range[1] * 100)}
      step={1}
      text={`${percent} %`}
      onChange={(next) => onChange(next / 100)}
    />
  );
}
