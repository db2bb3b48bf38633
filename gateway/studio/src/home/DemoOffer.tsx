import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { reach } from "../api/client.ts";
import { useLibrary, useWorks } from "../api/queries.ts";
import { choose, useChoices } from "../lib/choices.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";

const DEMO_MUSIC = "Morning Light";

/** Offers the film that comes with Vigent to somebody who has made none. */
export function DemoOffer() {
  const { t } = useTranslation();
  const { request } = useChoices();
  const works = useWorks();
  const { music } = useLibrary();
  const fill = useMutation({
    mutationFn: async () => {
      const [script, title] = await Promise.all([text("demo/script.txt"), text("demo/title.txt")]);
      const track = music.data?.items.find((entry) => entry.name === DEMO_MUSIC);
      choose({ script, title, footage: "", voice: "", music: track?.id ?? null });
    },
  });
  if (request.script.trim() || works.data?.pages[0]?.jobs.length !== 0) return null;
  return (
    <section className="demo" aria-label={t("demo.title")}>
      <span className="demo-icon">
        <Icon name="sparkles" />
      </span>
      <div>
        <h2>{t("demo.title")}</h2>
        <p>{t("demo.text")}</p>
        {fill.error && <Failure error={fill.error} />}
      </div>
      <Button look="primary" busy={fill.isPending} onClick={() => fill.mutate()}>
        {t("demo.take")}
      </Button>
    </section>
  );
}

async function text(path: string): Promise<string> {
  const response = await reach(new Request(new URL(`/assets/${path}`, location.href)));
  if (!response.ok) throw new Error(path);
  return (await response.text()).trim();
}
