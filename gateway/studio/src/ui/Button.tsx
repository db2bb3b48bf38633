import type { ComponentProps } from "react";
import { Icon, type IconName } from "./Icon.tsx";

type Look = "primary" | "plain" | "quiet" | "danger";

type ButtonProps = ComponentProps<"button"> & { look?: Look; icon?: IconName; busy?: boolean };

export function Button({ look = "plain", icon, busy = false, children, className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`button button-${look} ${className}`}
      aria-disabled={busy || undefined}
      {...rest}
      onClick={busy ? undefined : rest.onClick}
    >
      {(busy || icon) && <Icon name={busy ? "loading" : (icon as IconName)} />}
      {children}
    </button>
  );
}

/** A button that is only an icon: `label` is its name, shown when pointed at. */
export function IconButton({ icon, label, ...rest }: ComponentProps<"button"> & { icon: IconName; label: string }) {
  return (
    <button type="button" {...rest} className={`icon-button ${rest.className ?? ""}`} aria-label={label} title={label}>
      <Icon name={icon} />
    </button>
  );
}
