"""`compose_vs_codec`: what pasting a mouth patch and blending captions costs on top of decoding and encoding.

Both sides decode sixty frames of the same footage and encode them with the same settings, ours half of them backwards.
Rounds alternate and the best of each side counts, so that a busy machine does not decide. Run alone:
`python -m tests.bench.bench_compose`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from orchestrator.film.compose import OverlayImage, PatchImage, SegmentComposer
from orchestrator.film.encode import DEFAULT_ENCODER, FRAME_TIME, add_film_stream, add_footage_stream
from services.media.timeline import footage_frame
from tests.support.pictures import noise_picture, yuv_frame

WIDTH, HEIGHT = 1080, 1920
FRAMES_A_ROUND, ROUNDS = 60, 12
FIRST_FILM_FRAME = FRAMES_A_ROUND // 2  # the turn is in the middle


def compose_vs_codec() -> float:
    """Frames per second of decode + paste + overlay + encode over those of decode + encode alone."""
    with tempfile.TemporaryDirectory() as folder:
        footage, target = Path(folder) / "footage.mp4", Path(folder) / "film.mp4"
        write_footage(footage)
        caption = caption_image()
        sides = (lambda: codec_alone(footage, target), lambda: composed(footage, target, caption))
        rounds = [[wall_s(side) for side in sides] for _ in range(ROUNDS)]
    codec_s, full_s = (min(walls) for walls in zip(*rounds, strict=True))
    return codec_s / full_s


def wall_s(work: Callable[[], None]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def codec_alone(footage: Path, target: Path) -> None:
    """The least that must be done: every frame decoded and encoded."""
    with av.open(str(footage)) as source, av.open(str(target), "w", format="mp4") as film:
        stream = add_film_stream(film, WIDTH, HEIGHT, DEFAULT_ENCODER)
        for number, frame in enumerate(source.decode(video=0)):
            frame.pts, frame.time_base, frame.pict_type = number, FRAME_TIME, 0
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


def composed(footage: Path, target: Path, caption: OverlayImage) -> None:
    """The same frames with a mouth that opens and closes, a new patch each, and a caption over all of them."""
    with SegmentComposer(footage, target, FIRST_FILM_FRAME) as composer:
        composer.add_overlay(caption)
        for number in range(FRAMES_A_ROUND):
            composer.add_frame(mouth_patch(footage_frame(FIRST_FILM_FRAME + number, FRAMES_A_ROUND)))
        composer.finish()


@cache
def mouth_patch(number: int) -> PatchImage:
    """The footage's own pixels, 400 x 400, with a dark ellipse that opens and closes."""
    rgb = scene()[801:1201, 2 * number + 341 : 2 * number + 741].copy()
    opening = abs(number % 10 - 5) * 10
    cv2.ellipse(rgb, (200, 200), (90, opening), 0, 0, 360, (60, 20, 20), -1, cv2.LINE_AA)
    return PatchImage(341, 801, rgb)


def caption_image() -> OverlayImage:
    """Two lines of outlined text in a box of 900 x 160."""
    drawn = np.zeros((160, 900, 4), np.uint8)
    for baseline, text in ((65, "Sixty frames with words"), (140, "laid over the picture")):
        for colour, width in (((0, 0, 0, 255), 14), ((255, 255, 255, 255), 5)):
            cv2.putText(drawn, text, (20, baseline), cv2.FONT_HERSHEY_DUPLEX, 2, colour, width, cv2.LINE_AA)
    return OverlayImage(FIRST_FILM_FRAME, FRAMES_A_ROUND, 91, 1501, drawn)


@cache
def scene() -> np.ndarray:
    """A picture wider than the film."""
    return noise_picture(WIDTH + 2 * FRAMES_A_ROUND, HEIGHT, np.random.default_rng(0))


def write_footage(path: Path) -> None:
    """A view that drifts over the scene, as a hand-held camera's does."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = add_footage_stream(container, WIDTH, HEIGHT)
        for number in range(FRAMES_A_ROUND):
            frame = yuv_frame(scene()[:, 2 * number : 2 * number + WIDTH])
            frame.pts, frame.time_base = number, FRAME_TIME
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    print(f"compose_vs_codec {compose_vs_codec():.3f}")
