"""What is written over a film: captions, title and AI label, in the form of overlay requests and of caption files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from orchestrator.captions.breaking import break_title
from orchestrator.captions.cues import Cue, CueLine, make_cues
from orchestrator.captions.files import subtitles_of, write_ass
from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.quality import quality_report
from orchestrator.making.order import SegmentPlace
from orchestrator.making.plan import FilmPlan
from services.media.store import MediaStore
from services.media.timeline import FRAME_RATE_HZ
from services.text.sentences import language_of
from services.text.subtitles import srt, vtt
from services.typography.styles import load_style, safe_area_shares
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2
from vigent.overlay.v1 import overlay_pb2

TITLE_FRAMES = 4 * FRAME_RATE_HZ
OPENING_LABEL_FRAMES = 5 * FRAME_RATE_HZ // 2
OPENING_FRAMES = max(TITLE_FRAMES, OPENING_LABEL_FRAMES)
"""What is drawn later depends on its own segment alone."""
OPENING_LABEL_HEIGHT_SHARE = 0.05
"""GB 45438-2025: shown for at least two seconds at the opening, text at least 5 % of the shorter side."""
LABEL_HEIGHT_SHARE = 0.028
WHOLE_FILM_FRAMES = 2**31 - 1
LABEL_TEXT = {"zh": "AI 生成", "en": "AI-generated"}

CaptionFiles = dict[str, tuple[str, str]]
"""Text and media type by file name."""


class OverlayText:
    """The captions, title and labels of one film."""

    def __init__(self, spec: jobs_pb2.JobSpec, plan: FilmPlan, store: MediaStore) -> None:
        """`spec` as completed by `complete_spec`. Raises NotFoundError or InvalidInputError when a style is gone."""
        self._spec, self._plan = spec, plan
        platform = spec.platform or "default"
        style = load_style("subtitle", spec.caption_style, store)
        self._layout = CaptionLayout.of(style, spec.width, spec.height, platform, plan.to_avoid)
        self._title = _title(spec, plan, store, platform)
        self._labels = _labels(spec, platform)

    def render_request(
        self, index: int, words: Sequence[media_pb2.Word], sample_rate_hz: int, place: SegmentPlace
    ) -> overlay_pb2.RenderRequest:
        """What the overlay service draws over segment `index`, which lies at `place` in the film.

        After the opening it is the same wherever the segment lies: drawn as if it came next after the opening.
        """
        place = SegmentPlace(min(place.first_film_frame, OPENING_FRAMES), place.frames)
        drawn = self._spec.captions != jobs_pb2.CAPTIONS_FILES_ONLY
        cues = self.cues(index, words, sample_rate_hz, place) if drawn else []
        return overlay_pb2.RenderRequest(
            width=self._spec.width,
            height=self._spec.height,
            frame_rate_hz=FRAME_RATE_HZ,
            first_film_frame=place.first_film_frame,
            frames=place.frames,
            cues=[_cue_message(cue) for cue in cues],
            caption_style_json=_json(self._layout.style),
            title=self._title if self._title and place.first_film_frame < TITLE_FRAMES else None,
            labels=[label for label in self._labels if _touches(label, place)],
        )

    async def requested(
        self, index: int, words: Sequence[media_pb2.Word], sample_rate_hz: int, place: SegmentPlace
    ) -> overlay_pb2.RenderRequest:
        """`render_request` on a thread: the first one reads a dictionary, and health must be answered meanwhile."""
        return await asyncio.to_thread(self.render_request, index, words, sample_rate_hz, place)

    def cues(self, index: int, words: Sequence[media_pb2.Word], sample_rate_hz: int, place: SegmentPlace) -> list[Cue]:
        """Captions of one segment."""
        text = self._plan.sentences[index].text
        return make_cues(text, words, place.first_film_frame, place.frames, sample_rate_hz, self._layout)

    def caption_files(self, cues: Sequence[Cue]) -> CaptionFiles:
        """Caption files of the whole film."""
        subtitles = subtitles_of(cues)
        return {
            "captions.srt": (srt(subtitles), "application/x-subrip"),
            "captions.vtt": (vtt(subtitles), "text/vtt"),
            "captions.ass": (write_ass(cues, self._layout), "text/x-ssa"),
        }

    def quality(self, cues: Sequence[Cue]) -> dict[str, Any]:
        """How good the captions of the whole film are."""
        return quality_report(cues, self._layout)


def _title(spec: jobs_pb2.JobSpec, plan: FilmPlan, store: MediaStore, platform: str) -> overlay_pb2.Title | None:
    if not spec.title.strip():
        return None
    style = load_style("title", spec.title_style, store)
    layout = CaptionLayout.of(style, spec.width, spec.height, platform, plan.to_avoid[:1])
    lines = break_title(spec.title, layout)
    return overlay_pb2.Title(lines=lines, first_film_frame=0, frames=TITLE_FRAMES, style_json=_json(layout.style))


def _labels(spec: jobs_pb2.JobSpec, platform: str) -> list[overlay_pb2.Label]:
    if spec.ai_label == jobs_pb2.AI_LABEL_OFF:
        return []
    text = LABEL_TEXT[language_of(spec.script)]
    opening = overlay_pb2.Label(text=text, frames=OPENING_LABEL_FRAMES, height_share=OPENING_LABEL_HEIGHT_SHARE)
    always = overlay_pb2.Label(text=text, first_film_frame=OPENING_LABEL_FRAMES, height_share=LABEL_HEIGHT_SHARE)
    always.frames = WHOLE_FILM_FRAMES
    opening.corner = always.corner = overlay_pb2.CORNER_TOP_LEFT
    for label in (opening, always):
        label.bounds.extend(safe_area_shares("safe", spec.width, spec.height, platform))
    return [opening, always]


def _touches(label: overlay_pb2.Label, place: SegmentPlace) -> bool:
    begins_before_end = label.first_film_frame < place.first_film_frame + place.frames
    return begins_before_end and place.first_film_frame < label.first_film_frame + label.frames


def _cue_message(cue: Cue) -> overlay_pb2.Cue:
    lines = [_line_message(line) for line in cue.lines]
    return overlay_pb2.Cue(first_film_frame=cue.first_film_frame, frames=cue.frames, lines=lines)


def _line_message(line: CueLine) -> overlay_pb2.CueLine:
    words = [
        overlay_pb2.CueWord(
            char_start=word.char_start,
            char_end=word.char_end,
            first_film_frame=word.first_film_frame,
            end_film_frame=word.end_film_frame,
        )
        for word in line.words
    ]
    return overlay_pb2.CueLine(text=line.text, words=words)


def _json(style: dict[str, Any]) -> str:
    return json.dumps(style, ensure_ascii=False, sort_keys=True)
