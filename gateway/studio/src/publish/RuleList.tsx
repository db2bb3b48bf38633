import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { bytes, clock } from "../lib/format.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";
import type { Platform, Rule } from "./usePublication.ts";

const ICONS: Record<Rule["state"], IconName> = { ok: "done", warning: "warning", bad: "alert" };

/** Every rule of a platform with what the film has: seen before anything is uploaded. */
export function RuleList({ rules, platform }: { rules: Rule[]; platform: Platform }) {
  const { t, i18n } = useTranslation();
  return (
    <ul className="rules">
      {rules.map((rule) => (
        <li key={rule.name} className={`rule rule-${rule.state}`}>
          <Icon name={ICONS[rule.state]} small />
          <span>
            <span className="rule-name">{t(labelOf(rule, platform))}</span>{" "}
            <span className="rule-value">{has(rule)}</span>
            {limits(t, rule) && <span className="hint"> · {limits(t, rule)}</span>}
            {rule.name === "shape" && <span className="hint"> · {platform.shapes.join(", ")}</span>}
            {rule.name === "declaration" && (
              <span className="hint">{platform.declaration[i18n.language] ?? platform.declaration.en}</span>
            )}
            {rule.state !== "ok" && (
              <strong className="rule-problem">
                {t(`rule.${rule.reason}`, { subject: rule.subject, defaultValue: rule.problem ?? "" })}
              </strong>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

function labelOf(rule: Rule, platform: Platform) {
  if (rule.name === "description" && platform.tags.place === "description") return "rule.withTags" as const;
  return `rule.${rule.name}` as const;
}

/** A live counter where something is counted. */
function has(rule: Rule): string {
  if (rule.value === null || rule.value === undefined) return rule.subject ?? "";
  if (isText(rule) && rule.most) return `${rule.value}/${rule.most}`;
  return shown(rule, rule.value);
}

function limits(t: TFunction, rule: Rule): string {
  const parts = [
    typeof rule.least === "number" && t("rule.atLeast", { value: shown(rule, rule.least) }),
    typeof rule.most === "number" && !isText(rule) && t("rule.atMost", { value: shown(rule, rule.most) }),
    rule.unit === "bytes" && rule.name === "description" && t("rule.inBytes"),
  ];
  return parts.filter(Boolean).join(" · ");
}

const isText = (rule: Rule) => rule.name === "title" || rule.name === "description" || rule.name === "tags";

function shown(rule: Rule, value: number): string {
  if (rule.unit === "s") return value >= 3600 ? `${value / 3600} h` : clock(value);
  if (rule.unit === "bytes" && !isText(rule)) return bytes(value);
  return rule.unit === "px" ? `${value} px` : String(value);
}
