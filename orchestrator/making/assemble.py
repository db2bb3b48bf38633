"""The end of a job: segments are joined, the sound is mixed, captions, cover and report are written."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

from google.protobuf import json_format

from orchestrator.captions.cues import Cue
from orchestrator.captions.files import write_words
from orchestrator.film.conform import Progress
from orchestrator.film.cover import write_cover
from orchestrator.film.join import FilmSegment, VoiceSegment, join_film
from orchestrator.film.metadata import AiRecord, film_metadata
from orchestrator.film.mix import MixReport
from orchestrator.film.music import FIELD as MUSIC_FIELD
from orchestrator.film.music import MusicBed
from orchestrator.film.spool import BYTES_A_SECOND
from orchestrator.making.making import Making
from orchestrator.making.order import SegmentPlace
from orchestrator.making.overlay_text import OverlayText
from orchestrator.making.readings import readings_report
from orchestrator.making.segment import SegmentPieces
from orchestrator.making.words import words_from_json
from services.media.confinement.task import Limits
from services.media.sandbox import run_limited
from services.media.storage.lifetimes import hold
from services.media.store import MediaStore, StoredFile
from services.media.timeline import FRAME_RATE_HZ
from vigent.jobs.v1 import jobs_pb2

CONTENT_PRODUCER = "Vigent"
LOUDNESS_LUFS: dict[int, float | None] = {
    jobs_pb2.LOUDNESS_UNSPECIFIED: -14.0,
    jobs_pb2.LOUDNESS_ONLINE: -14.0,
    jobs_pb2.LOUDNESS_PODCAST: -16.0,
    jobs_pb2.LOUDNESS_BROADCAST: -23.0,
    jobs_pb2.LOUDNESS_OFF: None,
}

_MIX_WALL_S, _MIX_WALL_A_SECOND = 120.0, 4.0
"""A mix takes about 0.04 s per second of film; the rest is for a busy machine."""
_MIX_MEMORY_BYTES = 3 << 30
"""Of address space: a mix of any length takes 0.7 GB of it on two cores, and more where more cores run more threads."""
_MIX_BYTES, _MIX_BYTES_A_SECOND = 1 << 20, BYTES_A_SECOND
"""Its largest file is the mix itself before it is encoded."""


async def assemble(
    making: Making, pieces: Sequence[SegmentPieces], damaged: Sequence[str], report: Callable[[float], None]
) -> dict[str, StoredFile]:
    """The job's outputs by name, made from its finished segments. When cancelled, it ends the mix at once.

    `damaged` names the pieces that were found damaged and made again, for the report.

    Raises InvalidInputError for unreadable music.
    """
    assembler = await asyncio.to_thread(_Assembler, making, pieces, damaged, report)
    try:
        return await asyncio.to_thread(assembler.outputs)
    except asyncio.CancelledError:
        assembler.cancelled.set()
        raise


def film_segments(pieces: Sequence[SegmentPieces], store: MediaStore) -> list[FilmSegment]:
    """The pictures of finished segments."""
    return [FilmSegment(store.path(piece.film.sha256), piece.frames) for piece in pieces]


def voice_segments(pieces: Sequence[SegmentPieces], store: MediaStore) -> list[VoiceSegment]:
    """The voices of finished segments."""
    return [VoiceSegment(store.path(piece.voice.sha256), piece.frames) for piece in pieces]


def mix_apart(
    voices: Sequence[VoiceSegment],
    target: Path,
    music: MusicBed | None,
    loudness_lufs: float | None,
    progress: Progress,
    cancelled: threading.Event | None = None,
) -> MixReport:
    """`mix_film` in a limited child, because the music is untrusted; blocking.

    Raises InvalidInputError for the field "spec.music" when the music cannot be read within the limits, and
    CancelledError when `cancelled` is set.
    """
    film_s = sum(voice.frames for voice in voices) / FRAME_RATE_HZ
    limits = Limits(
        wall_s=_MIX_WALL_S + _MIX_WALL_A_SECOND * film_s,
        cpu_s=round(_MIX_WALL_S + _MIX_WALL_A_SECOND * film_s),
        memory_bytes=_MIX_MEMORY_BYTES,
        written_bytes=_MIX_BYTES + round(_MIX_BYTES_A_SECOND * film_s),
    )
    with ExitStack() as beside:
        spools = [beside.enter_context(NamedTemporaryFile(dir=target.parent)) for _ in range(2)]
        for spool in spools:
            hold(spool.fileno())  # or the collector would take it for a half-made file
        kept = [Path(spool.name) for spool in spools]
        return run_limited(
            "orchestrator.film.mix:mix_film",
            voices,
            target,
            returns=MixReport,
            reads=(*(voice.path for voice in voices), *([music.path] if music else [])),
            writes=(target, *kept),
            options={"music": music, "loudness_lufs": loudness_lufs, "spools": kept},
            field=MUSIC_FIELD if music else "",
            limits=limits,
            progress=progress,
            cancelled=cancelled,
        )


class _Assembler:
    def __init__(
        self,
        making: Making,
        pieces: Sequence[SegmentPieces],
        damaged: Sequence[str],
        report: Callable[[float], None],
    ) -> None:
        self._job_id, self._spec, self._plan, self._store = making.job_id, making.spec, making.plan, making.store
        self._pieces, self._damaged, self._report = pieces, damaged, report
        self.cancelled = threading.Event()
        self._text = OverlayText(making.spec, making.plan, making.store)

    def outputs(self) -> dict[str, StoredFile]:
        with self._store.temporary(".m4a") as sound, self._store.temporary(".mp4") as film:
            mix = self._mix(sound)
            self._report(0.7)
            metadata = film_metadata(self._spec.title, self._ai_record())
            join_film(film_segments(self._pieces, self._store), sound, film, metadata)
            self._report(0.9)
            cover = self._cover(film)
            segments = [self._cues_of(piece) for piece in self._pieces]
            cues = [cue for segment in segments for cue in segment]
            files = {name: self._text_file(*file) for name, file in self._text.caption_files(cues).items()}
            words = self._text_file(write_words(segments), "application/json")
            report = self._text_file(self._report_of(mix, self._text.quality(cues)), "application/json")
            stored = self._store.adopt(film, "video/mp4")
            return {"film.mp4": stored, "cover.jpg": cover, "report.json": report, "words.json": words, **files}

    def _mix(self, target: Path) -> MixReport:
        music = None
        if self._spec.music.sha256:
            path = self._store.path(self._spec.music.sha256, MUSIC_FIELD)
            music = MusicBed(path, self._spec.music_gain_db, start_s=self._spec.music_start_s)
        return mix_apart(
            voice_segments(self._pieces, self._store),
            target,
            music,
            LOUDNESS_LUFS[self._spec.loudness],
            lambda done, total: self._report(0.7 * done / max(1, total)),
            self.cancelled,
        )

    def _ai_record(self) -> AiRecord | None:
        if self._spec.ai_label == jobs_pb2.AI_LABEL_OFF:
            return None
        return AiRecord(CONTENT_PRODUCER, self._job_id)

    def _cover(self, film: Path) -> StoredFile:
        with self._store.temporary(".jpg") as target:
            write_cover(film, target)
            return self._store.adopt(target, "image/jpeg")

    def _cues_of(self, piece: SegmentPieces) -> list[Cue]:
        words = words_from_json(self._store.path(piece.words.sha256).read_bytes())
        place = SegmentPlace(piece.first_film_frame, piece.frames)
        return self._text.cues(piece.index, words, piece.sample_rate_hz, place)

    def _text_file(self, text: str, mime_type: str) -> StoredFile:
        return self._store.put_bytes(text.encode(), mime_type)

    def _report_of(self, mix: MixReport, captions: dict[str, Any]) -> str:
        report = {
            "job": self._job_id,
            "frames": sum(piece.frames for piece in self._pieces),
            "frames_without_face": sum(piece.frames_without_face for piece in self._pieces),
            "footage_problems": list(self._plan.problems),
            "music_problems": list(mix.music_notes),
            "damaged_pieces": sorted(set(self._damaged)),
            "engines": {service: engine.identity for service, engine in self._plan.engines.items()},
            "engine_reasons": {service: engine.why for service, engine in self._plan.engines.items()},
            "pronunciations": readings_report(self._spec, self._plan.sentences, self._plan.engines["tts"]),
            "takes": [_take_report(piece) for piece in self._pieces],
            "reference": asdict(self._plan.reference) if self._plan.reference else None,
            "sound": {"integrated_lufs": mix.integrated_lufs, "true_peak_dbtp": mix.true_peak_dbtp},
            "ai_label": self._spec.ai_label != jobs_pb2.AI_LABEL_OFF,
            "consent": {
                "voice": _consent_report(self._spec, "consent"),
                "face": _consent_report(self._spec, "face_consent"),
            },
            "captions": captions,
        }
        return json.dumps(report, ensure_ascii=False, indent=2)


def _take_report(piece: SegmentPieces) -> dict[str, Any]:
    rate = None if piece.error_rate is None else round(piece.error_rate, 3)
    return {"segment": piece.index, "takes": piece.takes, "error_rate": rate}


def _consent_report(spec: jobs_pb2.JobSpec, field: Literal["consent", "face_consent"]) -> dict[str, Any] | None:
    return json_format.MessageToDict(getattr(spec, field)) if spec.HasField(field) else None
