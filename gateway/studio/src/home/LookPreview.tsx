import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { FilmRequest } from "../api/client.ts";
import { type Edges, useLibrary, useSafeAreas } from "../api/queries.ts";
import { useChoices } from "../lib/choices.ts";
import { Switch } from "../ui/parts.tsx";
import { chosenFootage } from "./PresenterPicker.tsx";
import { Sample, sampleOf } from "./Sample.tsx";

/** What the film will look like with all that is chosen, and what the app leaves free of it. */
export function LookPreview({ sentence }: { sentence: string | undefined }) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const { footage } = useLibrary();
  const presenter = chosenFootage(footage.data?.items ?? [], request.footage ?? "");
  const [showSafe, setShowSafe] = useState(false);
  const safe = useSafeEdges(request);
  return (
    <div className="look">
      <Sample
        request={sampleOf(request, sentence ?? t("look.sample"))}
        ready={presenter !== undefined}
        poster={presenter?.poster_url}
      >
        {showSafe && safe && <span className="safe" style={inset(safe)} aria-hidden="true" />}
      </Sample>
      <Switch label={t("look.safe")} checked={showSafe} onChange={setShowSafe} />
    </div>
  );
}

/** Edges of the area that the app leaves free, as shares of the film. */
function useSafeEdges({ width = 1080, height = 1920, platform }: FilmRequest): Edges | undefined {
  const { data } = useSafeAreas();
  if (!data) return undefined;
  const { safe } = width > height ? data.landscape : (data.platforms[platform || "default"] ?? data.landscape);
  const [across, down] = data.canvas;
  return [safe[0] / across, safe[1] / down, safe[2] / across, safe[3] / down];
}

function inset([left, top, right, bottom]: Edges): React.CSSProperties {
  return { inset: [top, 1 - right, 1 - bottom, left].map((share) => `${100 * share}%`).join(" ") };
}
