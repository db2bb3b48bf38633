"""One segment: a sentence becomes voice, words and film, streaming from one server to the next while it is spoken.

    voice --+--> words --> cues --> overlay pictures --+
            |                                          +--> compose and encode --> film of the segment
            +--> lip-sync --> patches -----------------+

Each piece is kept by the hash of everything that made it, so a segment made again finds what is finished.
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
from orchestrator.making.order import FrameClock, SegmentPlace
from orchestrator.making.overlay_text import OverlayText
from orchestrator.making.pictures import LipsyncCall, OverlayPictures, compose_segment
from orchestrator.making.plan import FilmPlan
from orchestrator.making.retake import CheckedVoice, Spoken
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import LISTENER, MOUTH, Mesh
from orchestrator.making.take import Take
from orchestrator.making.voice import Voice
from orchestrator.making.words import align, words_from_json, words_to_json
from orchestrator.settings import OrchestratorSettings
from services.base.source_digest import source_digest
from services.media.convert import media_ref
from services.media.store import MediaStore, StoredFile, recipe_key
from services.text.sentences import language_to_say
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2
from vigent.media.v1 import media_pb2
from vigent.overlay.v1 import overlay_pb2

_HOUSE = Path(__file__).parents[2]
_FILM_CODE = source_digest(_HOUSE / "orchestrator" / "film", _HOUSE / "services" / "media")

ReportFrames = Callable[[int, int, int], None]
"""Gets the segment's index, its frames done and its frames in all."""


@dataclass(frozen=True)
class SegmentPieces:
    """A finished segment: its place in the film and its pieces in the media store.

    `error_rate` is how wrong the kept one of its `takes` sounds to the listener; None when nobody judged it.
    """

    index: int
    first_film_frame: int
    frames: int
    frames_without_face: int
    sample_rate_hz: int
    voice: StoredFile
    words: StoredFile
    film: StoredFile
    takes: int = 1
    error_rate: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data, for the durable engine."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        files = {name: StoredFile(**data[name]) for name in ("voice", "words", "film")}
        return cls(**{**data, **files})


@dataclass(frozen=True)
class _Listened:
    words: list[media_pb2.Word]
    stored: StoredFile


class SegmentMaker:
    """Makes the segments of one job."""

    def __init__(
        self,
        spec: jobs_pb2.JobSpec,
        plan: FilmPlan,
        clock: FrameClock,
        store: MediaStore,
        mesh: Mesh,
        settings: OrchestratorSettings,
        policy: RetryPolicy,
        report: ReportFrames,
        retaken: Callable[[], None],
    ) -> None:
        self._spec, self._plan, self._clock, self._store, self._mesh = spec, plan, clock, store, mesh
        self._settings, self._policy = settings, policy
        self._report = report
        self._voice = Voice(plan.spoken_spec(spec), plan.engines["tts"], store, mesh, settings, policy)
        self._checked = CheckedVoice(self._voice, spec, plan.engines["asr"], store, mesh, settings, policy, retaken)
        self._text = OverlayText(spec, plan, store)
        self._encoder = EncoderSettings(settings.encoder, settings.encoder_preset, settings.encoder_crf)

    async def make(self, index: int) -> SegmentPieces:
        """Makes segment `index`, or finds its pieces. Raises what the servers report."""
        text = self._plan.sentences[index].text
        started: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            voice = group.create_task(self._speak(index, text, started))
            words = group.create_task(self._listen(text, started, voice))
            film = group.create_task(self._film(index, started, voice, words))
        first_frame = await self._clock.first_frame(index)
        stored, frames_without_face = film.result()
        take = started.result()
        return SegmentPieces(
            index=index,
            first_film_frame=first_frame,
            frames=take.frames,
            frames_without_face=frames_without_face,
            sample_rate_hz=take.sample_rate_hz,
            voice=voice.result().stored,
            words=words.result().stored,
            film=stored,
            takes=voice.result().takes,
            error_rate=voice.result().error_rate,
        )

    async def _speak(self, index: int, text: str, started: asyncio.Future[Take]) -> Spoken:
        spoken = await self._spoken(text, started)
        await self._clock.set_frames(index, spoken.take.frames)
        return spoken

    async def _spoken(self, text: str, started: asyncio.Future[Take]) -> Spoken:
        """The voice, given to `started` as early as may be: when a server accepts, or when the take is found right."""
        if self._checked.checks:
            spoken = await self._checked.speak(text)
            started.set_result(spoken.take)
            return spoken
        if found := self._voice.recall(text):
            started.set_result(found[0])
            return Spoken(*found)
        stored = await self._voice.speak(text, started)
        return Spoken(started.result(), stored)

    async def _listen(self, text: str, started: asyncio.Future[Take], voice: asyncio.Task[Spoken]) -> _Listened:
        take = await started
        language = language_to_say(text, self._spec.language, self._spec.script)
        key = partial(recipe_key, "words", self._plan.engines["asr"], text, language)
        if take.closed and (stored := self._store.recall(key((await voice).stored.sha256))):
            return _Listened(words_from_json(self._store.path(stored.sha256).read_bytes()), stored)
        whom = self._mesh.asr.at(LISTENER)
        words = await self._policy.retried(lambda: self._align(text, take, language), whom)
        stored = self._store.put_bytes(words_to_json(words), "application/x-ndjson")
        self._store.remember(key((await voice).stored.sha256), stored)
        return _Listened(words, stored)

    async def _align(self, text: str, take: Take, language: str) -> list[media_pb2.Word]:
        with self._mesh.asr.least_busy() as stub:
            return await align(stub, take, text, language, self._settings.call_deadline_s)

    async def _film(
        self,
        index: int,
        started: asyncio.Future[Take],
        voice: asyncio.Task[Spoken],
        words: asyncio.Task[_Listened],
    ) -> tuple[StoredFile, int]:
        take = await started
        first_frame = await self._clock.first_frame(index)
        if take.closed:
            key = self._film_key((await voice).stored, await self._render_request(index, words, first_frame, take))
            if found := self._recall_film(key):
                return found
        whom = self._mesh.lipsync.at(MOUTH)
        made = await self._policy.retried(lambda: self._stream(index, first_frame, take, words), whom)
        key = self._film_key((await voice).stored, await self._render_request(index, words, first_frame, take))
        counted = self._store.put_bytes(str(made[1]).encode(), "text/plain")
        self._store.remember(recipe_key("frames_without_face", key), counted)
        self._store.remember(key, made[0])
        return made

    async def _stream(
        self, index: int, first_frame: int, take: Take, words: asyncio.Task[_Listened]
    ) -> tuple[StoredFile, int]:
        """The film of a segment, streamed through lip-sync and overlay, and its frames without a face."""
        deadline_s = self._settings.call_deadline_s
        with self._mesh.lipsync.least_busy() as stub:
            lipsync = LipsyncCall(stub, self._opening(first_frame), take, deadline_s)
            try:
                render = await self._render_request(index, words, first_frame, take)
                with closing(OverlayPictures(self._mesh.overlay, render, deadline_s, self._policy)) as overlays:
                    stored = await self._compose(index, first_frame, take.frames, lipsync, overlays)
            finally:
                lipsync.cancel()
        return stored, lipsync.frames_without_face

    def _recall_film(self, key: str) -> tuple[StoredFile, int] | None:
        stored = self._store.recall(key)
        counted = self._store.recall(recipe_key("frames_without_face", key))
        if stored is None or counted is None:
            return None
        return stored, int(self._store.path(counted.sha256).read_text())

    async def _compose(
        self, index: int, first_frame: int, frames: int, lipsync: LipsyncCall, overlays: OverlayPictures
    ) -> StoredFile:
        footage = self._store.path(self._plan.footage.sha256)
        with self._store.temporary(".mp4") as target:
            await compose_segment(
                lambda path: SegmentComposer(footage, path, first_frame, self._encoder),
                target,
                first_frame,
                frames,
                lipsync,
                overlays,
                lambda done: self._report(index, done, frames),
            )
            return await asyncio.to_thread(self._store.adopt, target, "video/mp4")

    def _opening(self, first_frame: int) -> lipsync_pb2.LipsyncOpen:
        return lipsync_pb2.LipsyncOpen(
            footage=media_ref(self._plan.footage),
            first_film_frame=first_frame,
            quality=self._spec.quality,
            seed=self._spec.seed,
        )

    async def _render_request(
        self, index: int, words: asyncio.Task[_Listened], first_frame: int, take: Take
    ) -> overlay_pb2.RenderRequest:
        listened = await asyncio.shield(words)
        place = SegmentPlace(first_frame, take.frames)
        return self._text.render_request(index, listened.words, take.sample_rate_hz, place)

    def _film_key(self, voice: StoredFile, render: overlay_pb2.RenderRequest) -> str:
        opening = self._opening(render.first_film_frame)
        asked = opening.footage.sha256, opening.first_film_frame, opening.quality, opening.seed
        engines = self._plan.engines["lipsync"], self._plan.engines["overlay"]
        drawn = render.SerializeToString(deterministic=True)
        return recipe_key("film", _FILM_CODE, voice.sha256, asked, engines, drawn, self._encoder)
