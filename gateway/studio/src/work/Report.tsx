import { useQuery } from "@tanstack/react-query";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { type Job, reach } from "../api/client.ts";
import { useSaid } from "../i18n/useSaid.ts";
import { decibels } from "../lib/format.ts";
import { Notice } from "../ui/Notice.tsx";
import { Section } from "../ui/parts.tsx";

type ReportFile = {
  frames: number;
  frames_without_face: number;
  footage_problems: string[];
  music_problems: string[];
  takes: { segment: number; takes: number; error_rate: number | null }[];
  sound: { integrated_lufs: number | null; true_peak_dbtp: number | null };
  ai_label: boolean;
  engines: Record<string, string>;
  captions: { findings: { check: string }[] };
};

/** What was found in the film, and what to mend. */
export function Report({ job }: { job: Job }) {
  const { t } = useTranslation();
  const said = useSaid();
  const file = job.outputs["report.json"];
  const query = useQuery({
    queryKey: ["report", file?.sha256],
    queryFn: async () =>
      (await reach(new Request(new URL(file?.url ?? "", location.href)))).json() as Promise<ReportFile>,
    enabled: file !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const report = query.data;
  if (!report) return null;
  const found = told(findings(t, said, report));
  return (
    <Section title={t("report.title")}>
      {found.length === 0 ? (
        <Notice tone="good">{t("report.good")}</Notice>
      ) : (
        <ul className="findings">
          {found.map((finding) => (
            <li key={finding}>
              <Notice tone="warning">{finding}</Notice>
            </li>
          ))}
        </ul>
      )}
      <dl className="facts">
        <Fact name={t("report.length")} value={t("report.lengthValue", { seconds: (report.frames / 25).toFixed(1) })} />
        {report.sound.integrated_lufs !== null && (
          <Fact
            name={t("report.loudness")}
            value={`${decibels(report.sound.integrated_lufs, 1)}\u00a0LUFS · ${decibels(report.sound.true_peak_dbtp ?? 0, 1)}\u00a0dBTP`}
          />
        )}
        <Fact name={t("report.label")} value={t(report.ai_label ? "report.labelOn" : "report.labelOff")} />
        <Fact name={t("report.engines")} value={engineNames(report)} />
      </dl>
    </Section>
  );
}

const told = (found: (string | false)[]) => [...new Set(found.filter((each) => each !== false))];

type Words = TFunction;

function findings(t: Words, said: (sentence: string) => string, report: ReportFile): (string | false)[] {
  const again = report.takes.filter((take) => take.takes > 1).length;
  const checks = report.captions.findings.map((finding) => finding.check);
  return [
    report.frames_without_face > 0 && t("report.noFace", { count: report.frames_without_face, total: report.frames }),
    ...report.footage_problems.map((problem) => t("report.footage", { problem: said(problem) })),
    ...report.music_problems.map((problem) => t("report.music", { problem: said(problem) })),
    again > 0 && t("report.again", { count: again, total: report.takes.length }),
    ...(["glyph_missing", "outside_safe_area", "width"] as const).map(
      (check) =>
        checks.includes(check) && t(`report.${check}`, { count: checks.filter((each) => each === check).length }),
    ),
  ];
}

function engineNames(report: ReportFile): string {
  return Object.values(report.engines)
    .map((identity) => identity.split(/[\s:@/]/)[0])
    .join(" · ");
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
