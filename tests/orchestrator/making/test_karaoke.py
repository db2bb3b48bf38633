"""Karaoke on the frames of a film: the word that is spoken is lit, and no word before it is."""

import asyncio
import json
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import grpc
import numpy as np
import pytest

from orchestrator.captions.layout import CaptionLayout
from orchestrator.making.take import Take
from orchestrator.making.words import align
from services.media.store import MediaStore
from services.media.timeline import FRAME_RATE_HZ
from services.typography.fonts import ASSETS
from services.typography.styles import parse_style
from tests.support.films import made, output, spec_of
from tests.support.mesh import Mesh, run_mesh
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

SCRIPT = "Each word lights up. 我们用 Vigent 做短视频。"
WIDTH, HEIGHT = 540, 960
TOLERANCE_FRAMES, TOLERANCE_PX = 2, 9  # a Han character has 30 px, with up to 4 px of air on each side


def karaoke() -> str:
    """The karaoke style in colours that the photograph does not have, on a box."""
    style = json.loads((ASSETS / "styles" / "subtitle" / "karaoke.json").read_text(encoding="utf-8"))
    style |= {"box": {"mode": "block", "color": "#000000"}, "fill": {"color": "#FFFFFF"}, "outline": {}, "shadow": {}}
    style |= {"highlight": {"mode": "karaoke", "color": "#00FF00"}, "in": {}, "out": {}, "max_lines": 1}
    return json.dumps(style)


@dataclass(frozen=True)
class Film:
    mesh: Mesh
    job: jobs_pb2.Job
    layout: CaptionLayout
    lit_px: list[int]
    """Width of what is lit in each frame, from the start of the line; 0 where nothing is."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Film]:
    with run_mesh(tmp_path_factory.mktemp("mesh")) as mesh:
        style = MediaStore(mesh.media_root).put_bytes(karaoke().encode()).sha256
        size = {"width": WIDTH, "height": HEIGHT}
        job = asyncio.run(
            made(mesh, spec_of(mesh, SCRIPT, caption_style=style, ai_label=jobs_pb2.AI_LABEL_OFF, **size))
        )
        layout = CaptionLayout.of(parse_style(karaoke(), "style"), WIDTH, HEIGHT)
        yield Film(mesh, job, layout, lit_widths(output(mesh, job, "film.mp4")))


def lit_widths(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [lit_width(frame.to_ndarray(format="rgb24").astype(int)) for frame in container.decode(video=0)]


def lit_width(rgb: np.ndarray) -> int:
    green = (rgb[..., 1] > 150) & (rgb[..., 0] < 110) & (rgb[..., 2] < 110)
    columns = np.flatnonzero(green.sum(axis=0) >= 3)
    return int(columns[-1] - columns[0] + 1) if len(columns) else 0


def spoken_words(film: Film, index: int) -> list[media_pb2.Word]:
    """The words of a segment as a listener of ours aligns them to its voice, in film frames instead of samples."""
    segment = film.job.segments[index]
    wav = MediaStore(film.mesh.media_root).path(segment.voice.sha256)
    with wave.open(str(wav)) as file:
        rate_hz = file.getframerate()
    words = asyncio.run(_aligned(film.mesh.servers["asr"].address, Take.from_wav(wav.read_bytes()), segment.text))
    for word in words:
        word.start_sample = segment.first_film_frame + word.start_sample * FRAME_RATE_HZ // rate_hz
    return words


async def _aligned(address: str, take: Take, text: str) -> list[media_pb2.Word]:
    async with grpc.aio.insecure_channel(address) as channel:
        return await align(AsrServiceStub(channel), take, text, "", 60.0)


def test_english_words_are_lit_when_they_are_spoken(film: Film) -> None:
    text = film.job.segments[0].text
    words = spoken_words(film, 0)
    assert [word.text for word in words] == ["Each", "word", "lights", "up"]
    assert only_cue(film, text)
    end = film.job.segments[1].first_film_frame
    widths = [film.layout.width_px(text[: word.char_end]) for word in words]
    print([(word.text, word.start_sample, round(width)) for word, width in zip(words, widths, strict=True)])
    for frame in range(words[0].start_sample + TOLERANCE_FRAMES, end - TOLERANCE_FRAMES):
        near = {spoken_at(words, frame + shift) for shift in range(-TOLERANCE_FRAMES, TOLERANCE_FRAMES + 1)}
        allowed = [widths[index] for index in near]
        assert any(abs(film.lit_px[frame] - width) <= TOLERANCE_PX for width in allowed), (
            frame,
            film.lit_px[frame],
            allowed,
        )


def spoken_at(words: list[media_pb2.Word], frame: int) -> int:
    """Index of the word that is spoken, or was the last one."""
    return max(0, sum(word.start_sample <= frame for word in words) - 1)


def test_chinese_characters_are_lit_when_they_are_spoken(film: Film) -> None:
    """Chinese is lit a word at a time, so a character is lit when it is spoken or a little before."""
    text = film.job.segments[1].text
    assert only_cue(film, text.removesuffix("。"))
    words = spoken_words(film, 1)
    for word in words:
        lit = film.lit_px[word.start_sample + TOLERANCE_FRAMES]
        assert lit >= film.layout.width_px(text[: word.char_end]) - TOLERANCE_PX, word.text
    for unit in ("用", "Vigent", "做"):
        start = text.index(unit)
        begins = next(word.start_sample for word in words if word.char_start == start)
        lit = film.lit_px[begins - TOLERANCE_FRAMES - 1]
        assert lit <= film.layout.width_px(text[:start].rstrip()) + TOLERANCE_PX, unit


def only_cue(film: Film, text: str) -> bool:
    """Whether a caption is just this text."""
    srt = output(film.mesh, film.job, "captions.srt").read_text(encoding="utf-8")
    return re.search(rf"^{re.escape(text.rstrip('.'))}$", srt, re.MULTILINE) is not None
