"""`overlap`, `streamed_vs_sequential`, `first_film_second`: what streaming gains over stages one after the other.

Voice and lip-sync are engines that sleep as a GPU would, so that stages are balanced and the cores are free for the
rest. The sequential side runs the orchestrator's own stages over the same servers, one for the whole film after the
other.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.client import JobClient
from orchestrator.film.compose import OverlayImage, SegmentComposer
from orchestrator.film.encode import EncoderSettings
from orchestrator.jobs.spec import complete_spec
from orchestrator.making.assemble import assemble
from orchestrator.making.making import Making
from orchestrator.making.order import SegmentPlace
from orchestrator.making.overlay_text import OverlayText
from orchestrator.making.pictures import LipsyncCall, OverlayPictures, patch_image
from orchestrator.making.plan import make_plan
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.segment import SegmentPieces
from orchestrator.making.servers import Servers
from orchestrator.making.take import Take
from orchestrator.making.voice import Voice
from orchestrator.making.words import align, words_to_json
from orchestrator.settings import OrchestratorSettings
from services.media.store import MediaStore, StoredFile, media_ref
from tests.bench.figures import Figure
from tests.support.films import ended, spec_of
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2
from vigent.media.v1 import media_pb2

_WIDTH, _HEIGHT = 540, 960
_BALANCED = {"tts": 0.030, "lipsync": 0.015}
"""Seconds a unit: a character of about 2 frames, a frame. Both stages take about as long."""
_SLOW_LIPSYNC = {"tts": 0.002, "lipsync": 0.012}


def sleeping_engines(delays_s: Mapping[str, float], **options: str) -> dict[str, str]:
    """Environment in which voice and lip-sync sleep for so many seconds a unit."""
    environment = {}
    for service, delay_s in delays_s.items():
        name = service.upper()
        environment[f"VIGENT_{name}_ENGINE"] = f"tests.knobs.{service}:Knobs{service.capitalize()}"
        environment[f"VIGENT_{name}_OPTIONS"] = json.dumps({"delay_s": str(delay_s), **options})
    return environment


def script_of(sentences: int) -> str:
    """Sentences of about 2.4 s each with the test voice."""
    return " ".join(f"Sentence number {number:03d} of a film." for number in range(sentences))


async def _job_wall_s(mesh: Mesh, spec: jobs_pb2.JobSpec) -> tuple[float, float]:
    """Seconds from submission to the first playable second and to the end."""
    async with JobClient(mesh.jobs) as client:
        begun_s, first_s = time.perf_counter(), 0.0
        job = (await client.submit(spec)).job
        async for event in client.watch(job.id):
            if not first_s and event.progress.playable_s >= 1:
                first_s = time.perf_counter() - begun_s
        wall_s = time.perf_counter() - begun_s
        job = await ended(client, job.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    return first_s, wall_s


@dataclass
class _Sequential:
    """The stages of a film, each over the whole film before the next begins."""

    making: Making

    async def walls_s(self) -> dict[str, float]:
        walls: dict[str, float] = {}
        voices = await _timed(walls, "voice", self._voices)
        words = await _timed(walls, "words", lambda: self._words([take for take, _ in voices]))
        places = self._places([take for take, _ in voices])
        patches = await _timed(walls, "lipsync", lambda: self._patches(voices, places))
        films = await _timed(walls, "compose", lambda: self._films(words, places, voices, patches))
        pieces = [
            SegmentPieces(
                index=index,
                first_film_frame=places[index].first_film_frame,
                first_footage_frame=places[index].first_film_frame,
                frames=places[index].frames,
                frames_without_face=0,
                sample_rate_hz=take.sample_rate_hz,
                voice=voice,
                words=self.making.store.put_bytes(words_to_json(words[index])),
                film=films[index],
            )
            for index, (take, voice) in enumerate(voices)
        ]
        await _timed(walls, "assemble", lambda: assemble(self.making, pieces, (), lambda _share: None))
        return walls

    async def _voices(self) -> list[tuple[Take, StoredFile]]:
        voice = Voice(self.making)
        made = []
        for index in range(len(self.making.plan.sentences)):
            started: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
            spoken = await voice.speak(index, started)
            made.append((spoken.take, spoken.stored))
        return made

    async def _words(self, takes: list[Take]) -> list[list[media_pb2.Word]]:
        with self.making.servers.asr.least_busy() as stub:
            sentences = [sentence.text for sentence in self.making.plan.sentences]
            return [await align(stub, take, text, "", 600) for take, text in zip(takes, sentences, strict=True)]

    def _places(self, takes: list[Take]) -> list[SegmentPlace]:
        places: list[SegmentPlace] = []
        for take in takes:
            first = places[-1].first_film_frame + places[-1].frames if places else 0
            places.append(SegmentPlace(first, take.frames))
        return places

    async def _patches(
        self, voices: list[tuple[Take, StoredFile]], places: list[SegmentPlace]
    ) -> list[list[lipsync_pb2.Patch]]:
        made = []
        for (take, _), place in zip(voices, places, strict=True):
            opening = lipsync_pb2.LipsyncOpen(
                footage=media_ref(self.making.plan.footage), first_film_frame=place.first_film_frame
            )
            with self.making.servers.lipsync.least_busy() as stub:
                made.append([patch async for patch in LipsyncCall(stub, opening, take).patches()])
        return made

    async def _films(
        self,
        words: list[list[media_pb2.Word]],
        places: list[SegmentPlace],
        voices: list[tuple[Take, StoredFile]],
        patches: list[list[lipsync_pb2.Patch]],
    ) -> list[StoredFile]:
        text = OverlayText(self.making.spec, self.making.plan, self.making.store)
        footage = self.making.store.path(self.making.plan.footage.sha256)
        settings = self.making.settings
        encoder = EncoderSettings(settings.encoder, settings.encoder_preset, settings.encoder_crf)
        films = []
        for index, place in enumerate(places):
            request = text.render_request(index, words[index], voices[index][0].sample_rate_hz, place)
            overlays = OverlayPictures(self.making.servers.overlay, request, self.making.policy)
            with self.making.store.temporary(".mp4") as target:
                first = request.first_film_frame
                pictures = await overlays.until(first + place.frames)
                composer = SegmentComposer(footage, target, first, encoder, place.first_film_frame - first)
                await asyncio.to_thread(_compose, composer, pictures, patches[index])
                films.append(self.making.store.adopt(target, "video/mp4"))
        return films


def _compose(composer: SegmentComposer, pictures: list[OverlayImage], patches: list[lipsync_pb2.Patch]) -> None:
    with composer:
        for picture in pictures:
            composer.add_overlay(picture)
        for patch in patches:
            composer.add_frame(patch_image(patch))
        composer.finish()


async def _timed(walls: dict[str, float], name: str, work: Callable[[], Awaitable[object]]) -> object:
    begun_s = time.perf_counter()
    made = await work()
    walls[name] = time.perf_counter() - begun_s
    return made


async def _sequential_walls_s(mesh: Mesh, spec: jobs_pb2.JobSpec) -> dict[str, float]:
    settings = OrchestratorSettings.load(
        "orchestrator",
        **{name: mesh.servers[name].address for name in ("tts", "lipsync", "asr", "overlay")},
    )
    store, servers = MediaStore(mesh.media_root), Servers(settings)
    begun_s = time.perf_counter()
    complete = complete_spec(spec, store)
    policy = RetryPolicy(attempts=3)
    plan = await make_plan(complete, store, servers, lambda _share: None, policy)
    prepare_s = time.perf_counter() - begun_s
    making = Making("bench", complete, plan, store, servers, settings, policy, lambda: None)
    walls_s = await _Sequential(making).walls_s()
    await servers.close()
    return {"prepare": prepare_s, **walls_s}


def _measure(delays_s: Mapping[str, float], sentences: int) -> tuple[float, float, dict[str, float]]:
    with tempfile.TemporaryDirectory() as folder, run_mesh(Path(folder), sleeping_engines(delays_s)) as mesh:
        script = script_of(sentences)
        size = {"width": _WIDTH, "height": _HEIGHT}
        asyncio.run(_job_wall_s(mesh, spec_of(mesh, "Warm up, please.", **size)))
        first_s, wall_s = asyncio.run(_job_wall_s(mesh, spec_of(mesh, script, seed=1, **size)))
        walls_s = asyncio.run(_sequential_walls_s(mesh, spec_of(mesh, script, seed=2, **size)))
    return first_s, wall_s, walls_s


def figures() -> list[Figure]:
    """The three figures."""
    _, balanced_s, stages_s = _measure(_BALANCED, 16)
    first_s, long_s, alone_s = _measure(_SLOW_LIPSYNC, 50)
    slowest = max(alone_s, key=lambda stage: alone_s[stage])
    shape = f"{_WIDTH}x{_HEIGHT}, engines that sleep"
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in stages_s.items())
    return [
        Figure(
            "overlap",
            long_s / alone_s[slowest],
            "<= 1.15",
            f"50 sentences, {shape}; job {long_s:.1f} s, {slowest} alone {alone_s[slowest]:.1f} s",
        ),
        Figure(
            "streamed_vs_sequential",
            sum(stages_s.values()) / balanced_s,
            ">= 1.8",
            f"16 sentences, {shape}; job {balanced_s:.1f} s; alone, s: {stages}",
        ),
        Figure(
            "first_film_second",
            first_s / long_s,
            "<= 0.1",
            f"50 sentences (about two minutes), {shape}; first second after {first_s:.1f} of {long_s:.1f} s",
        ),
    ]
