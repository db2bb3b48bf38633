import { useId } from "react";
import { opaque, recoloured } from "./draft.ts";

/** Chooses a colour; its transparency stays as it is. */
export function Colour({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  return (
    <div className="colour-row">
      <label className="label" htmlFor={id}>
        {label}
      </label>
      <input
        id={id}
        type="color"
        value={opaque(value).toLowerCase()}
        onChange={(event) => onChange(recoloured(value, event.target.value))}
      />
      <output className="slider-value">{opaque(value).toUpperCase()}</output>
    </div>
  );
}
