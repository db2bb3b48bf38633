import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { Schemas, ServiceState } from "../api/client.ts";
import { useServices } from "../api/queries.ts";
import { bytes } from "../lib/format.ts";
import { usePageTitle } from "../lib/usePageTitle.ts";
import { Icon, type IconName } from "../ui/Icon.tsx";
import { Failure, Notice } from "../ui/Notice.tsx";
import { Loading } from "../ui/parts.tsx";
import "./mesh.css";

type Replica = Schemas["Replica"];

const ICONS: Record<string, IconName> = {
  orchestrator: "make",
  tts: "voice",
  lipsync: "video",
  asr: "text",
  overlay: "style",
};

/** Every service and each of its servers, as they are now. */
export function Mesh() {
  const { t } = useTranslation();
  const { data, error, isPending } = useServices(true);
  usePageTitle(t("nav.mesh"));
  return (
    <div className="mesh">
      <header className="page-head">
        <h1>{t("nav.mesh")}</h1>
        <p className="mesh-links">
          <a href="/docs">{t("mesh.docs")}</a>
          <a href="/metrics">{t("mesh.metrics")}</a>
        </p>
      </header>
      <p className="lead">{t("mesh.lead")}</p>
      {isPending && <Loading label={t("loading")} />}
      {error && <Failure error={error} />}
      <ul className="services">
        {data?.services.map((service) => (
          <Service key={service.name} service={service} />
        ))}
      </ul>
    </div>
  );
}

function Service({ service }: { service: ServiceState }) {
  const { t } = useTranslation();
  return (
    <li className="card service">
      <header className="card-head">
        <h2>
          <Icon name={ICONS[service.name] ?? "mesh"} /> {t(`service.${service.name}`, { defaultValue: service.name })}
        </h2>
        <span className={service.ok ? "badge badge-done" : "badge badge-failed"}>
          <Icon name={service.ok ? "done" : "alert"} small />
          {t(service.ok ? "mesh.ok" : "mesh.notOk")}
        </span>
      </header>
      <p className="hint">{t(`serviceHint.${service.name}`, { defaultValue: "" })}</p>
      <ul className="replicas">
        {service.replicas.map((replica) => (
          <Server key={replica.address} replica={replica} />
        ))}
      </ul>
    </li>
  );
}

function Server({ replica }: { replica: Replica }) {
  const { t } = useTranslation();
  return (
    <li className="replica">
      <div className="replica-head">
        <span className={`dot dot-${replica.stalled ? "NOT_SERVING" : replica.health}`} aria-hidden="true" />
        <strong>{replica.engine || t("mesh.server")}</strong>
        {replica.device && <span className="tag">{replica.device}</span>}
        <code className="hint">{replica.address}</code>
      </div>
      {replica.problem && <Notice tone="bad">{replica.problem}</Notice>}
      {replica.fallback_reason && <Notice tone="warning">{replica.fallback_reason}</Notice>}
      <dl className="facts facts-tight">
        {figures(t, replica).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </li>
  );
}

type Words = TFunction;

function figures(t: Words, replica: Replica): [string, string][] {
  const told: [string, string | number | null | undefined][] = [
    [t("mesh.health"), t(`health.${replica.health}`)],
    [t("mesh.state"), stateOf(t, replica)],
    [t("mesh.checkpoint"), replica.checkpoint],
    [t("mesh.active"), replica.active_requests],
    [t("mesh.queue"), replica.queue_depth],
    [t("mesh.restarts"), replica.restarts],
    [t("mesh.memory"), replica.resident_memory_bytes ? bytes(replica.resident_memory_bytes) : null],
    [t("mesh.deviceMemory"), replica.device_memory_bytes ? bytes(replica.device_memory_bytes) : null],
  ];
  return told.flatMap(([name, value]) =>
    value === null || value === undefined || value === "" ? [] : [[name, String(value)]],
  );
}

function stateOf(t: Words, replica: Replica): string {
  if (replica.stalled) return t("mesh.stalled");
  return replica.state ? t(`worker.${replica.state as "idle"}`) : "";
}
