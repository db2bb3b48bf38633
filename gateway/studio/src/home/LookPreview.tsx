import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ApiError, api, data, type FilmRequest } from "../api/client.ts";
import { type Edges, useLibrary, useSafeAreas } from "../api/queries.ts";
import { useChoices } from "../lib/choices.ts";
import { useDebounced } from "../lib/useDebounced.ts";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";
import { Switch } from "../ui/parts.tsx";
import { chosenFootage } from "./PresenterPicker.tsx";

const DRAW_AFTER_MS = 400;

/** What the film will look like: a frame of its first sentence, drawn by the engine of the film. */
export function LookPreview({ sentence }: { sentence: string | undefined }) {
  const { t } = useTranslation();
  const { request } = useChoices();
  const { footage } = useLibrary();
  const { width = 1080, height = 1920 } = request;
  const presenter = chosenFootage(footage.data?.items ?? [], request.footage ?? "");
  const sample = useSample(sampleOf(request, sentence ?? t("look.sample")), presenter !== undefined);
  const drawn = useObjectUrl(sample.data);
  const shown = drawn ?? presenter?.poster_url;
  const [showSafe, setShowSafe] = useState(false);
  const safe = useSafeEdges(request);
  return (
    <div className="look">
      <div className={width > height ? "stage stage-wide" : "stage"} style={{ aspectRatio: `${width} / ${height}` }}>
        {shown && <img src={shown} alt={t(drawn ? "look.preview" : "look.poster")} />}
        {showSafe && safe && <span className="safe" style={inset(safe)} aria-hidden="true" />}
        {sample.isFetching && (
          <p className="stage-waiting" role="status">
            <Icon name="loading" small /> {t("look.drawing")}
          </p>
        )}
      </div>
      <Switch label={t("look.safe")} checked={showSafe} onChange={setShowSafe} />
      {sample.error && !sample.isFetching && <Failure error={sample.error} />}
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

/** The part of a film that can be seen in its first sentence. */
function sampleOf(request: FilmRequest, script: string): FilmRequest {
  const { title, footage, caption_style, title_style, captions, platform, width, height, ai_label } = request;
  const seen = { title, footage, caption_style, title_style, captions, platform, width, height, ai_label };
  return { script, ...(Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined)) as object) };
}

function useSample(request: FilmRequest, ready: boolean) {
  const body = useDebounced(request, DRAW_AFTER_MS);
  return useQuery<Blob, ApiError>({
    queryKey: ["sample", body],
    queryFn: ({ signal }) => data(api.POST("/api/v1/sample", { body, signal, parseAs: "blob" })) as Promise<Blob>,
    enabled: ready,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!blob) return setUrl(undefined);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
