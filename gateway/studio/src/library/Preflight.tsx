import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type ApiError, api, data, type Footage, type Schemas } from "../api/client.ts";
import { Sample } from "../home/Sample.tsx";
import { useSaid } from "../i18n/useSaid.ts";
import { useChoices } from "../lib/choices.ts";
import { clock, nameOf } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Failure, Notice } from "../ui/Notice.tsx";
import { Loading, Section } from "../ui/parts.tsx";

const FRAMES_A_SECOND = 25;

type Report = Schemas["Preflight"];

/** What was found in footage, drawn over it, and what to do better before a film is made of it. */
export function Preflight({ footage, close }: { footage: Footage; close: () => void }) {
  const { t, i18n } = useTranslation();
  const { request } = useChoices();
  const { width = 1080, height = 1920 } = request;
  const asked = { script: t("look.sample"), footage: footage.id, width, height };
  const report = useQuery<Report, ApiError>({
    queryKey: ["preflight", asked],
    queryFn: ({ signal }) => data(api.POST("/api/v1/preflight", { body: asked, signal })),
    retry: false,
  });
  const bare = { ...asked, captions: "files_only" as const, ai_label: false };
  return (
    <Section title={t("preflight.title", { name: nameOf(footage, i18n.language) })}>
      <div className="preflight">
        <div className="look preflight-look">
          <Sample request={bare} ready={report.data !== undefined} poster={footage.poster_url} still>
            {report.data?.face && <Box region={report.data.face} name={t("preflight.face")} />}
            {report.data?.mouth && <Box region={report.data.mouth} name={t("preflight.mouth")} />}
          </Sample>
        </div>
        <div className="preflight-text">
          {report.isPending && <Loading label={t("preflight.looking")} />}
          {report.error && <Failure error={report.error} />}
          {report.data && <Found report={report.data} footage={footage} />}
          <h3>{t("preflight.better")}</h3>
          <ul className="preflight-tips">
            {(["face", "light", "still", "mouth", "length"] as const).map((tip) => (
              <li key={tip}>{t(`preflight.tip_${tip}`)}</li>
            ))}
          </ul>
          <Button icon="close" onClick={close}>
            {t("preflight.close")}
          </Button>
        </div>
      </div>
    </Section>
  );
}

function Box({ region, name }: { region: NonNullable<Report["face"]>; name: string }) {
  const share = (value: number) => `${100 * value}%`;
  const place = { left: share(region.left), top: share(region.top) };
  return (
    <span
      className="preflight-box"
      style={{ ...place, width: share(region.width), height: share(region.height) }}
      role="img"
      aria-label={name}
    />
  );
}

/** A fact, where somebody looked at it. */
function looked([name, value, words]: [string, number | null, (value: number) => string]): [string, string][] {
  return value === null ? [] : [[name, words(value)]];
}

function Found({ report, footage }: { report: Report; footage: Footage }) {
  const { t } = useTranslation();
  const said = useSaid();
  const { frames, frames_without_face, frames_with_several_faces, problems } = report;
  const share = (count: number) => `${Math.round((100 * count) / frames)} %`;
  const tall = report.face ? `${Math.round(report.face.height * 100)} %` : "–";
  const facts: [string, string][] = [
    [t("preflight.source"), `${footage.width}×${footage.height}`],
    [t("preflight.film"), `${report.width}×${report.height}`],
    [t("preflight.length"), frames > 1 ? clock(frames / FRAMES_A_SECOND) : t("presenter.picture")],
    [t("preflight.tall"), tall],
    ...looked([t("preflight.turned"), report.turned_degrees, (degrees) => `${Math.round(degrees)}°`]),
    ...looked([t("preflight.light"), report.face_luma, (luma) => `${Math.round((100 * luma) / 255)} %`]),
    [t("preflight.without"), share(frames_without_face)],
    [t("preflight.several"), share(frames_with_several_faces)],
  ];
  return (
    <>
      <dl className="preflight-facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {problems.length === 0 && <Notice tone="good">{t("preflight.fine")}</Notice>}
      {problems.map((problem) => (
        <Notice key={problem} tone="warning">
          {said(problem)}
        </Notice>
      ))}
    </>
  );
}
