import { type FormEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import type { Job } from "../api/client.ts";
import { when } from "../lib/format.ts";
import { Button } from "../ui/Button.tsx";
import { Failure, Notice } from "../ui/Notice.tsx";
import { Bar, Select, Switch } from "../ui/parts.tsx";
import {
  type Connector as ConnectorView,
  type Delivery,
  isEnded,
  type NewDelivery,
  useConnectors,
  useDeliveries,
  useSignIn,
} from "./useConnectors.ts";
import type { Platform } from "./usePublication.ts";
import "./connector.css";

/** What the gateway says of a sign-in in the address that it leads back to. */
const NOT_CONNECTED = ["refused", "failed"];

type Props = { job: Job; platform: Platform; name: string; before: () => Promise<void> };

/** Sends the film to a platform by its own interface; nothing where the gateway has no connector for it. */
export function Connector({ job, platform, name, before }: Props) {
  const connector = useConnectors().data?.items.find((each) => each.platform === platform.id);
  if (!connector) return null;
  return <Connected job={job} connector={connector} name={name} before={before} />;
}

type ConnectedProps = { job: Job; connector: ConnectorView; name: string; before: () => Promise<void> };

function Connected({ job, connector, name, before }: ConnectedProps) {
  const { t } = useTranslation();
  const { connect, disconnect } = useSignIn();
  const deliveries = useDeliveries(job.id);
  const led = useSearchParams()[0].get("connect") ?? "";
  const mine = deliveries.query.data?.items.filter((each) => each.asked.platform === connector.platform) ?? [];
  return (
    <div className="connector">
      {connector.connected ? (
        <SendForm connector={connector} name={name} before={before} deliver={deliveries.deliver} />
      ) : (
        <>
          {NOT_CONNECTED.includes(led) && <Notice tone="warning">{t("connector.refused")}</Notice>}
          <Button icon="external" busy={connect.isPending} onClick={() => connect.mutate(connector.platform)}>
            {t("connector.connect", { name })}
          </Button>
        </>
      )}
      {connect.error && <Failure error={connect.error} />}
      {mine.map((delivery) => (
        <Sent key={delivery.id} delivery={delivery} actions={deliveries} />
      ))}
      {connector.connected && (
        <Button look="quiet" onClick={() => disconnect.mutate(connector.platform)}>
          {t("connector.disconnect", { name })}
        </Button>
      )}
    </div>
  );
}

type Actions = ReturnType<typeof useDeliveries>;
type SendProps = Omit<ConnectedProps, "job"> & { deliver: Actions["deliver"] };

function SendForm({ connector, name, before, deliver }: SendProps) {
  const { t } = useTranslation();
  const id = useId();
  const { visibilities, result, declares_ai } = connector.capabilities;
  const [visibility, setVisibility] = useState<NonNullable<NewDelivery["visibility"]>>("private");
  const [ai_made, setAiMade] = useState(true);
  const [time, setTime] = useState("");
  const time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const send = async (event: FormEvent) => {
    event.preventDefault();
    await before();
    const later = time ? { publish_at: time, time_zone } : {};
    deliver.mutate({ platform: connector.platform, visibility, ai_made, ...later });
  };
  return (
    <form className="connector-form" onSubmit={send}>
      {visibilities.length > 0 && (
        <Select
          label={t("connector.visibility")}
          value={visibility}
          options={visibilities.map((value) => ({ value, label: t(`connector.${value}`) }))}
          onChange={setVisibility}
        />
      )}
      <label htmlFor={id}>
        <span className="label">{t("connector.time", { zone: time_zone })}</span>
        <input
          id={id}
          className="input"
          type="datetime-local"
          value={time}
          onChange={(event) => setTime(event.target.value)}
        />
      </label>
      {declares_ai && (
        <Switch
          label={t("connector.ai")}
          hint={t("connector.aiHint", { name })}
          checked={ai_made}
          onChange={setAiMade}
        />
      )}
      <Button type="submit" icon="publish" busy={deliver.isPending}>
        {t(result === "draft" ? "connector.sendDraft" : "connector.send", { name })}
      </Button>
      <p className="hint">{t(result === "draft" ? "connector.draftHint" : "connector.postHint", { name })}</p>
      {deliver.error && <Failure error={deliver.error} />}
    </form>
  );
}

/** One film on its way, or where it has got to. */
function Sent({ delivery, actions }: { delivery: Delivery; actions: Actions }) {
  const { t, i18n } = useTranslation();
  const { state, sent_bytes, size_bytes, asked } = delivery;
  const percent = size_bytes > 0 ? (100 * sent_bytes) / size_bytes : null;
  const words = t(`connector.is_${state}`, { time: delivery.due ? when(delivery.due, i18n.language) : "" });
  return (
    <div className="delivery">
      <p className="delivery-head" role="status">
        <strong>{words}</strong>
        <span className="hint">{when(delivery.create_time, i18n.language)}</span>
      </p>
      {asked.publish_at && (
        <p className="hint">
          {t("connector.planned", { time: when(asked.publish_at, i18n.language), zone: asked.time_zone })}
        </p>
      )}
      {state === "sending" && <Bar label={words} percent={percent} />}
      {delivery.error && <Failure error={delivery.error} tone={state === "failed" ? "bad" : "warning"} />}
      <div className="delivery-actions">
        {delivery.url && (
          <a href={delivery.url} target="_blank" rel="noopener noreferrer">
            {delivery.url.replace(/^https?:\/\/(www\.)?/, "")}
          </a>
        )}
        {!isEnded(delivery) && state !== "processing" && (
          <Button look="quiet" icon="stop" onClick={() => actions.cancel.mutate(delivery.id)}>
            {t("connector.cancel")}
          </Button>
        )}
        {(state === "failed" || state === "cancelled") && (
          <Button look="quiet" icon="retry" onClick={() => actions.retry.mutate(delivery.id)}>
            {t("connector.retry")}
          </Button>
        )}
      </div>
    </div>
  );
}
