import { useTranslation } from "react-i18next";
import type { Job } from "../api/client.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";

const ICONS: Record<Job["state"], IconName> = {
  queued: "loading",
  running: "loading",
  done: "done",
  failed: "alert",
  cancelled: "stop",
};

export function StateBadge({ job }: { job: Job }) {
  const { t } = useTranslation();
  return (
    <span className={`badge badge-${job.state}`}>
      <Icon name={ICONS[job.state]} small />
      {job.state === "running"
        ? t("state.runningPercent", { percent: Math.floor(job.progress.percent) })
        : t(`state.${job.state}`)}
    </span>
  );
}
