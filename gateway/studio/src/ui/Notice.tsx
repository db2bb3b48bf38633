import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../api/client.ts";
import { Button } from "./Button.tsx";
import { Icon, type IconName } from "./Icon.tsx";

type Tone = "info" | "good" | "warning" | "bad";

const ICONS: Record<Tone, IconName> = { info: "info", good: "done", warning: "warning", bad: "alert" };

export function Notice({ tone = "info", children, action }: { tone?: Tone; children: ReactNode; action?: ReactNode }) {
  return (
    <div className={`notice notice-${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={ICONS[tone]} />
      <div className="notice-text">{children}</div>
      {action}
    </div>
  );
}

/** What went wrong and what to do, in the language of the page where it has words for it. */
export function Failure({ error, action, tone = "bad" }: { error: unknown; action?: ReactNode; tone?: Tone }) {
  const { t } = useTranslation();
  const words = useFailureWords()(error);
  return (
    <Notice tone={tone} action={action}>
      <strong>{words.problem}</strong>
      {t("gap")}
      {words.remedy}
    </Notice>
  );
}

/** A list or a page that could not be had, to be asked for again. */
export function FailedQuery({ query }: { query: { error: unknown; refetch: () => unknown } }) {
  const { t } = useTranslation();
  if (!query.error) return null;
  return (
    <Failure
      error={query.error}
      action={
        <Button icon="retry" onClick={() => void query.refetch()}>
          {t("again")}
        </Button>
      }
    />
  );
}

export type FailureWords = { problem: string; remedy: string };

export function useFailureWords(): (error: unknown) => FailureWords {
  const { t, i18n } = useTranslation();
  return (error) => {
    const told = error as { reason?: string; problem?: string; remedy?: string } | null;
    const known = `failure.${told?.reason ?? ""}`;
    const ours = i18n.exists(`${known}.problem`);
    if (ours && (i18n.language !== "en" || !told?.problem)) {
      return {
        problem: t(`${known}.problem` as never, { told: told?.problem?.replace(/\.$/, "") }),
        remedy: t(`${known}.remedy` as never),
      };
    }
    if (told?.problem) return { problem: told.problem, remedy: told.remedy ?? "" };
    return { problem: t("failure.UNKNOWN.problem"), remedy: t("failure.UNKNOWN.remedy") };
  };
}

export const isGone = (error: unknown) => error instanceof ApiError && error.status === 404;
