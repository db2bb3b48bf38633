import { useQuery } from "@tanstack/react-query";
import { type RefObject, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Style } from "../api/client.ts";
import { type SafeAreas, useSafeAreas } from "../api/queries.ts";
import { inTurn } from "../lib/inTurn.ts";
import { drawSample, type SampleRequest, useObjectUrl } from "./Sample.tsx";
import "./style-picture.css";

/** What is shown of a film of 1080 x 1920, around a short text: from how far left, how wide and how high. */
const WINDOWS = {
  subtitle: { left: 220, width: 640, height: 200 },
  title: { left: 40, width: 1000, height: 312.5 },
};
/** Between a text at an edge of its area, and the edge of the picture. */
const MARGIN = 40;
const DRAWN = { width: 540, height: 960 };

/** A style as the engine of the film draws it, once it is looked at; nothing while there is no picture. */
export function StylePicture({ style }: { style: Style }) {
  const { t } = useTranslation();
  const box = useRef<HTMLSpanElement>(null);
  const seen = useSeen(box);
  const words = t("look.pictured");
  const areas = useSafeAreas().data;
  const drawn = useQuery({
    queryKey: ["style picture", style.id, words],
    queryFn: ({ signal }) => inTurn(() => drawSample(wearing(style, words), false, signal)),
    enabled: seen,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const url = useObjectUrl(drawn.data);
  return (
    <span ref={box} className="style-picture" aria-hidden="true">
      {url && areas && <img src={url} alt="" style={placed(style, areas)} />}
    </span>
  );
}

function wearing({ id, role }: Style, words: string): SampleRequest {
  const bare = { script: words, ai_label: false, ...DRAWN };
  return role === "title"
    ? { ...bare, title: words, title_style: id, captions: "files_only" }
    : { ...bare, caption_style: id, captions: "drawn" };
}

/** Moves the picture so that the words of the style are in the window. */
function placed({ style, role }: Style, areas: SafeAreas): React.CSSProperties {
  const { area, vertical } = style.position as { area: keyof typeof areas.landscape; vertical: string };
  const [, top, , bottom] = (areas.platforms.default ?? areas.landscape)[area];
  const { left, width, height } = WINDOWS[role];
  const room = bottom - top + 2 * MARGIN - height;
  const from = top - MARGIN + room * ({ top: 0, bottom: 1 }[vertical] ?? 0.5);
  const share = (pixels: number, of: number) => `${(100 * pixels) / of}%`;
  return {
    width: share(areas.canvas[0], width),
    left: share(-left, width),
    top: share(-from, height),
  };
}

/** Whether it has been on screen. */
function useSeen(box: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.some((each) => each.isIntersecting) && setSeen(true),
    );
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, [box]);
  return seen;
}
