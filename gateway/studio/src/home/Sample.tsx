import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { type ApiError, api, data, type FilmRequest, type Schemas } from "../api/client.ts";
import { useDebounced } from "../lib/useDebounced.ts";
import { Button } from "../ui/Button.tsx";
import { Icon } from "../ui/Icon.tsx";
import { Failure } from "../ui/Notice.tsx";

const DRAW_AFTER_MS = 400;

export type SampleRequest = Schemas["SampleRequest"];

type Props = {
  request: SampleRequest;
  ready: boolean;
  /** Shown until the first sample is drawn. */
  poster: string | undefined;
  /** Whether only the frame is wanted, not the words. */
  still?: boolean;
  children?: ReactNode;
};

/** What the film will look like, drawn by the engine of the film: a frame, or its first sentence word by word. */
export function Sample({ request, ready, poster, still: single = false, children }: Props) {
  const { t } = useTranslation();
  const [moving, setMoving] = useState(false);
  const { width = 1080, height = 1920 } = request;
  const body = useDebounced(request, DRAW_AFTER_MS);
  const still = useSample(body, false, ready);
  const clip = useSample(body, true, ready && moving);
  const picture = useObjectUrl(still.data) ?? poster;
  const film = useObjectUrl(moving && !clip.isPlaceholderData ? clip.data : undefined);
  const asked = moving ? clip : still;
  return (
    <>
      <div className={width > height ? "stage stage-wide" : "stage"} style={{ aspectRatio: `${width} / ${height}` }}>
        {film ? (
          <video src={film} autoPlay loop muted playsInline aria-label={t("look.moving")} />
        ) : (
          picture && <img src={picture} alt={t(still.data ? "look.preview" : "look.poster")} />
        )}
        {children}
        {asked.isFetching && (
          <p className="stage-waiting" role="status">
            <Icon name="loading" small /> {t("look.drawing")}
          </p>
        )}
      </div>
      {!single && (
        <Button icon={moving ? "stop" : "play"} onClick={() => setMoving(!moving)}>
          {t(moving ? "look.still" : "look.move")}
        </Button>
      )}
      {asked.error && !asked.isFetching && <Failure error={asked.error} />}
    </>
  );
}

/** The part of a film that can be seen in its first sentence. */
export function sampleOf(request: FilmRequest, script: string): SampleRequest {
  const { title, footage, caption_style, title_style, captions, platform, width, height, ai_label } = request;
  const seen = { title, footage, caption_style, title_style, captions, platform, width, height, ai_label };
  return { script, ...(Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== undefined)) as object) };
}

/** The picture, or the sentence in motion. */
export function drawSample(body: SampleRequest, moving: boolean, signal: AbortSignal): Promise<Blob> {
  const asked = { body, params: { query: { moving } }, signal, parseAs: "blob" } as const;
  return data(api.POST("/api/v1/sample", asked)) as Promise<Blob>;
}

function useSample(body: SampleRequest, moving: boolean, ready: boolean) {
  return useQuery<Blob, ApiError>({
    queryKey: ["sample", moving, body],
    queryFn: ({ signal }) => drawSample(body, moving, signal),
    enabled: ready,
    placeholderData: keepPreviousData,
    retry: false,
  });
}

/** An address of what was fetched, for as long as it is shown. */
export function useObjectUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!blob) return setUrl(undefined);
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
