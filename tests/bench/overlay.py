"""`overlay_vs_full_remotion`: a short rendered wholly in Remotion over the same short made our way, wall time.

Thirty seconds of 1080x1920 with karaoke captions. The one side is Remotion's usual way: OffthreadVideo, sound and
captions, every frame a screenshot of Chromium (`remotion/bench`). The other is ours: the engine `remotion` draws only
the pictures that differ, and the orchestrator's own code lays them over the footage, encodes, mixes and joins.
Both read the same footage and sound, use the same components for the captions and x264 at the same preset and quality,
and start warm: bundle built, browser open. Ours runs before and after the other and its better run counts, as it is so
short that a burst of other work decides. Only a machine without other work gives a figure to rely on; the load is told.
Run alone: `python -m tests.bench overlay`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np
from skimage import data

from orchestrator.film.compose import SegmentComposer
from orchestrator.film.encode import DEFAULT_ENCODER, FRAME_TIME, add_footage_stream
from orchestrator.film.join import FilmSegment, VoiceSegment, join_film
from orchestrator.film.mix import mix_film
from orchestrator.making.pictures import OverlayPictures
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import Service
from services.base.allocator import keep_large_blocks
from services.base.errors import FailedPreconditionError
from services.base.settings import ServerSettings
from services.media.timeline import FRAME_RATE_HZ
from services.overlay.remotion.requirements import require
from services.overlay.remotion.resolve import resolved
from services.overlay.servicer import overlay_spec
from services.typography.styles import load_style
from tests.bench.figures import Figure
from tests.support.films import facts_of
from tests.support.mesh import ROOT, run_server
from tests.support.pictures import yuv_frame
from tests.support.sounds import speech, write_voice
from vigent.overlay.v1 import overlay_pb2
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

WIDTH, HEIGHT, FRAMES = 1080, 1920, 30 * FRAME_RATE_HZ
CUE_FRAMES = 50
SEGMENT_FRAMES, SEGMENTS_AT_ONCE = 150, 2
"""Sentences of six seconds, and as many of them side by side as the orchestrator makes by default."""
LINE = "我们用 Vigent 做 一条 三十秒的 短视频"
FULL = ROOT / "remotion" / "dist" / "bench" / "full.js"
FULL_TIMEOUT_S = 1800.0


def figures() -> list[Figure]:
    """The figure; none, and a line that says why, where Remotion cannot run."""
    try:
        chromium = require(ServerSettings.load("overlay").options.get("chromium", ""))
    except FailedPreconditionError as error:
        print(f"left out: {error}", file=sys.stderr)
        return []
    keep_large_blocks()  # as the orchestrator does
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_footage(folder / "footage.mp4")
        write_voice(folder / "voice.wav", speech(FRAMES / FRAME_RATE_HZ))
        loads = [f"{os.getloadavg()[0]:.1f}"]
        before_s, pictures = ours(folder)
        full_s = full(folder, chromium)
        loads.append(f"{os.getloadavg()[0]:.1f}")
        after_s, _ = ours(folder)
    conditions = (
        f"{FRAMES} frames of {WIDTH}x{HEIGHT}, karaoke captions ({pictures} pictures); "
        f"wholly in Remotion {full_s:.1f} s, ours {before_s:.1f} s before and {after_s:.1f} s after it; "
        f"load before and after {' and '.join(loads)}"
    )
    return [Figure("overlay_vs_full_remotion", full_s / min(before_s, after_s), ">= 10", conditions)]


def full(folder: Path, chromium: str) -> float:
    """Seconds that Remotion alone takes from the same material to an MP4."""
    props = {
        "footage": str(folder / "footage.mp4"),
        "audio": str(folder / "voice.wav"),
        "spec": resolved(overlay_spec(short())),
        "preset": DEFAULT_ENCODER.preset,
        "crf": DEFAULT_ENCODER.crf,
    }
    (folder / "props.json").write_text(json.dumps(props), encoding="utf-8")
    command = ["node", str(FULL), chromium, str(folder / "props.json"), str(folder / "full.mp4")]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        environment = {**os.environ, "TMPDIR": scratch}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            timeout=FULL_TIMEOUT_S,
            check=True,
        )
    _check(folder / "full.mp4")
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def ours(folder: Path) -> tuple[float, int]:
    """Seconds from the same material to a finished MP4 our way, and the pictures drawn for it."""
    environment = {"VIGENT_OVERLAY_ENGINE": "remotion", "VIGENT_OVERLAY_FALLBACK_ENGINE": ""}
    with run_server("services.overlay", folder, environment) as server:
        return asyncio.run(_ours(server.address, folder))


async def _ours(address: str, folder: Path) -> tuple[float, int]:
    service = Service(address, "vigent.overlay.v1.OverlayService", OverlayServiceStub)
    await service.engine()
    begun_s = time.perf_counter()
    voice = VoiceSegment(folder / "voice.wav", FRAMES)
    mixing = asyncio.create_task(asyncio.to_thread(mix_film, [voice], folder / "sound.m4a"))
    window = asyncio.Semaphore(SEGMENTS_AT_ONCE)
    starts = range(0, FRAMES, SEGMENT_FRAMES)
    made = await asyncio.gather(*(_segment(service, folder, first, window) for first in starts))
    await mixing
    await asyncio.to_thread(join_film, [segment for segment, _ in made], folder / "sound.m4a", folder / "film.mp4")
    wall_s = time.perf_counter() - begun_s
    await service.close()
    _check(folder / "film.mp4")
    return wall_s, sum(pictures for _, pictures in made)


async def _segment(
    service: Service[OverlayServiceStub], folder: Path, first: int, window: asyncio.Semaphore
) -> tuple[FilmSegment, int]:
    """One sentence's stretch of film, as the orchestrator makes several of them side by side; and its pictures."""
    async with window:
        frames = min(SEGMENT_FRAMES, FRAMES - first)
        overlays, pictures = OverlayPictures(service, short(first, frames), RetryPolicy(attempts=1)), 0
        with SegmentComposer(folder / "footage.mp4", folder / f"{first}.mp4", first) as composer:
            for frame in range(first, first + frames):
                for picture in await overlays.until(frame):
                    composer.add_overlay(picture)
                    pictures += 1
                await asyncio.to_thread(composer.add_frame, None)
            return await asyncio.to_thread(composer.finish), pictures


def _check(film: Path) -> None:
    """Both sides have made the whole short."""
    facts = facts_of(film)
    assert (facts.frames, facts.width, facts.height) == (FRAMES, WIDTH, HEIGHT), facts
    assert abs(facts.audio_s - FRAMES / FRAME_RATE_HZ) < 0.1, facts


def short(first: int = 0, frames: int = FRAMES) -> overlay_pb2.RenderRequest:
    """The captions of a stretch: a cue every two seconds, a word lit after the other."""
    return overlay_pb2.RenderRequest(
        width=WIDTH,
        height=HEIGHT,
        frame_rate_hz=FRAME_RATE_HZ,
        first_film_frame=first,
        frames=frames,
        cues=[_cue(start) for start in range(first, first + frames, CUE_FRAMES)],
        caption_style_json=json.dumps(load_style("subtitle", "karaoke")),
    )


def _cue(first: int) -> overlay_pb2.Cue:
    words, start = LINE.split(" "), 0
    line = overlay_pb2.CueLine(text=LINE)
    frames = CUE_FRAMES // len(words)
    for index, word in enumerate(words):
        spoken = first + index * frames
        line.words.add(
            char_start=start, char_end=start + len(word), first_film_frame=spoken, end_film_frame=spoken + frames
        )
        start += len(word) + 1
    return overlay_pb2.Cue(first_film_frame=first, frames=CUE_FRAMES, lines=[line])


def write_footage(path: Path) -> None:
    """A photograph under a camera that drifts, encoded as conformed footage is."""
    scene = cv2.resize(data.astronaut(), (HEIGHT + 200, HEIGHT), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w", format="mp4") as container:
        stream = add_footage_stream(container, WIDTH, HEIGHT)
        for number in range(FRAMES):
            left = round(400 + 200 * np.sin(number / 60))
            frame = yuv_frame(scene[:, left : left + WIDTH])
            frame.pts, frame.time_base = number, FRAME_TIME
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
