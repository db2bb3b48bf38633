import { useTranslation } from "react-i18next";
import { useRouteError } from "react-router";
import { Button } from "../ui/Button.tsx";
import { Empty } from "../ui/parts.tsx";

/** What is shown when the page itself fails. */
export function Broken() {
  const { t } = useTranslation();
  const error = useRouteError();
  return (
    <main className="page">
      <Empty icon="alert" title={t("broken.title")}>
        <p>{t("broken.text")}</p>
        <p className="mono">{String(error)}</p>
        <Button look="primary" icon="retry" onClick={() => location.reload()}>
          {t("broken.reload")}
        </Button>
      </Empty>
    </main>
  );
}
