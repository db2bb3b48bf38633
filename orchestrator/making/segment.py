"""One segment: a sentence becomes voice, words and film, streamed from server to server while it is still spoken.

    voice --+--> words --> cues --> overlay pictures --+
            |                                          +--> compose and encode --> film of the segment
            +--> lip-sync --> patches -----------------+

Each piece is kept by the hash of everything that made it, so a segment that is made again finds what was finished.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from orchestrator.film.compose import SegmentComposer
from orchestrator.film.encode import EncoderSettings
from orchestrator.making.making import Making
from orchestrator.making.order import FrameClock, SegmentPlace, SegmentStart
from orchestrator.making.overlay_text import OverlayText
from orchestrator.making.pictures import DrawnPlace, LipsyncCall, OverlayPictures, compose_segment
from orchestrator.making.servers import LISTENER, MOUTH
from orchestrator.making.take import Take
from orchestrator.making.voice import Spoken, Voice
from orchestrator.making.words import align, words_from_json, words_to_json
from services.base.source_digest import source_digest
from services.base.tracing.spans import span
from services.media.store import StoredFile, media_ref, recipe_key
from services.text.sentences import Sentence
from vigent.lipsync.v1 import lipsync_pb2
from vigent.media.v1 import media_pb2
from vigent.overlay.v1 import overlay_pb2

_HOUSE = Path(__file__).parents[2]
_FILM_CODE = source_digest(_HOUSE / "orchestrator" / "film", _HOUSE / "services" / "media")

ReportFrames = Callable[[int, int, int], None]
"""Gets the segment's index, how many of its frames are done, and how many there are."""


@dataclass(frozen=True)
class SegmentPieces:
    """A finished segment: its place in the film and its pieces in the media store.

    `first_footage_frame` is its place in the footage, counted on through its turns.
    `error_rate` is that of the take that was kept of `takes`; None when nobody judged it.
    """

    index: int
    first_film_frame: int
    first_footage_frame: int
    frames: int
    frames_without_face: int
    sample_rate_hz: int
    voice: StoredFile
    words: StoredFile
    film: StoredFile
    takes: int = 1
    error_rate: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data for the durable engine."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The pieces that `to_json` described."""
        files = {name: StoredFile(**data[name]) for name in ("voice", "words", "film")}
        before = {"first_footage_frame": data["first_film_frame"]}  # what was kept when both were one
        return cls(**{**before, **data, **files})


@dataclass(frozen=True)
class _Aligned:
    words: list[media_pb2.Word]
    stored: StoredFile


class SegmentMaker:
    """Makes the segments of one film."""

    def __init__(self, making: Making, clock: FrameClock, report: ReportFrames) -> None:
        self._making = making
        self._spec, self._plan, self._store, self._servers = making.spec, making.plan, making.store, making.servers
        self._policy, self._clock, self._report = making.policy, clock, report
        self._voice = Voice(making)
        self._text = OverlayText(making.spec, making.plan, making.store)
        settings = making.settings
        self._encoder = EncoderSettings(settings.encoder, settings.encoder_preset, settings.encoder_crf)

    async def make(self, index: int) -> SegmentPieces:
        """Makes segment `index`, or finds its pieces. Raises what the servers report."""
        sentence = self._plan.sentences[index]
        started: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            speaking = group.create_task(self._speak(index, started))
            listening = group.create_task(self._listen(sentence, started, speaking))
            filming = group.create_task(self._film(index, started, speaking, listening))
        start = await self._clock.start(index)
        take, spoken = started.result(), speaking.result()
        film, frames_without_face = filming.result()
        return SegmentPieces(
            index=index,
            first_film_frame=start.film_frame,
            first_footage_frame=start.footage_frame,
            frames=take.frames,
            frames_without_face=frames_without_face,
            sample_rate_hz=take.sample_rate_hz,
            voice=spoken.stored,
            words=listening.result().stored,
            film=film,
            takes=spoken.takes,
            error_rate=spoken.error_rate,
        )

    async def _speak(self, index: int, started: asyncio.Future[Take]) -> Spoken:
        with span("voice"):
            spoken = await self._voice.speak(index, started)
        await self._clock.set_frames(index, spoken.take.frames)
        return spoken

    async def _listen(
        self, sentence: Sentence, started: asyncio.Future[Take], speaking: asyncio.Task[Spoken]
    ) -> _Aligned:
        take = await started
        language = self._making.language_to_say(sentence.text)
        asked = sentence.text, sentence.pronunciations, language
        key = partial(recipe_key, "words", self._plan.engines["asr"].identity, *asked)
        recall = self._store.recall_bytes
        if take.closed and (kept := await asyncio.to_thread(recall, key((await speaking).stored.sha256))):
            return _Aligned(words_from_json(kept[1]), kept[0])
        with span("listening"):
            words = await self._policy.retried(
                lambda: self._align(sentence, take, language), self._servers.asr.at(LISTENER)
            )
        made = key((await speaking).stored.sha256), words_to_json(words), "application/x-ndjson"
        return _Aligned(words, await asyncio.to_thread(self._store.remember_bytes, *made))

    async def _align(self, sentence: Sentence, take: Take, language: str) -> list[media_pb2.Word]:
        with self._servers.asr.least_busy() as stub:
            return await align(stub, take, sentence.text, language, pronunciations=sentence.pronunciations)

    async def _film(
        self,
        index: int,
        started: asyncio.Future[Take],
        speaking: asyncio.Task[Spoken],
        listening: asyncio.Task[_Aligned],
    ) -> tuple[StoredFile, int]:
        take = await started
        start = await self._clock.start(index)

        async def key() -> str:
            request = await self._render_request(index, listening, start, take)
            return self._film_key((await speaking).stored, request, self._drawn(index, start, take, request))

        if take.closed and (found := await asyncio.to_thread(self._recall_film, await key())):
            return found
        with span("film", frames=take.frames):
            made = await self._policy.retried(
                lambda: self._stream(index, start, take, listening), self._servers.lipsync.at(MOUTH)
            )
        await asyncio.to_thread(self._remember_film, await key(), *made)
        return made

    async def _stream(
        self, index: int, start: SegmentStart, take: Take, listening: asyncio.Task[_Aligned]
    ) -> tuple[StoredFile, int]:
        """The film of a segment, streamed through lip-sync and overlay, and its frames without a face."""
        with self._servers.lipsync.least_busy() as stub:
            lipsync = LipsyncCall(stub, self._opening(start.footage_frame), take)
            try:
                render = await self._render_request(index, listening, start, take)
                with closing(OverlayPictures(self._servers.overlay, render, self._policy)) as overlays:
                    stored = await self._compose(index, self._drawn(index, start, take, render), lipsync, overlays)
            finally:
                lipsync.cancel()
        return stored, lipsync.frames_without_face

    def _remember_film(self, key: str, film: StoredFile, frames_without_face: int) -> None:
        counted = str(frames_without_face).encode()
        self._store.remember_bytes(recipe_key("frames_without_face", key), counted, "text/plain")
        self._store.remember(key, film)

    def _recall_film(self, key: str) -> tuple[StoredFile, int] | None:
        stored = self._store.recall(key)
        counted = self._store.recall_bytes(recipe_key("frames_without_face", key))
        if stored is None or counted is None:
            return None
        return stored, int(counted[1])

    async def _compose(
        self, index: int, place: DrawnPlace, lipsync: LipsyncCall, overlays: OverlayPictures
    ) -> StoredFile:
        footage = await asyncio.to_thread(self._store.path, self._plan.footage.sha256)
        with self._store.temporary(".mp4") as target:
            await compose_segment(
                lambda path: SegmentComposer(
                    footage, path, place.first_drawn_frame, self._encoder, place.footage_offset, place.seam
                ),
                target,
                place,
                lipsync,
                overlays,
                lambda done: self._report(index, done, place.frames),
            )
            return await asyncio.to_thread(self._store.adopt, target, "video/mp4")

    def _drawn(self, index: int, start: SegmentStart, take: Take, render: overlay_pb2.RenderRequest) -> DrawnPlace:
        """Where the segment is drawn; asked for once its voice is whole."""
        following = self._clock.footage_after(index)
        runs_on = start.footage_frame + take.frames
        return DrawnPlace(
            first_drawn_frame=render.first_film_frame,
            first_footage_frame=start.footage_frame,
            frames=take.frames,
            next_footage_frame=runs_on if following is None else following,
        )

    def _opening(self, first_footage_frame: int) -> lipsync_pb2.LipsyncOpen:
        return lipsync_pb2.LipsyncOpen(
            footage=media_ref(self._plan.footage),
            first_film_frame=first_footage_frame,
            quality=self._spec.quality,
            seed=self._spec.seed,
        )

    async def _render_request(
        self, index: int, listening: asyncio.Task[_Aligned], start: SegmentStart, take: Take
    ) -> overlay_pb2.RenderRequest:
        aligned = await asyncio.shield(listening)
        place = SegmentPlace(start.film_frame, take.frames)
        return await self._text.requested(index, aligned.words, take.sample_rate_hz, place)

    def _film_key(self, voice: StoredFile, render: overlay_pb2.RenderRequest, place: DrawnPlace) -> str:
        opening = self._opening(place.first_footage_frame)
        asked = opening.footage.sha256, opening.first_film_frame, opening.quality, opening.seed
        engines = [self._plan.engines[service].identity for service in ("lipsync", "overlay")]
        drawn = render.SerializeToString(deterministic=True)
        return recipe_key("film", _FILM_CODE, voice.sha256, asked, engines, drawn, place.seam, self._encoder)
