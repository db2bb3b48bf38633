"""Footage of every kind, through the engine."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import av
import cv2
import numpy as np
import pytest

from services.base.errors import CancelledError, InvalidInputError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Footage, LipsyncSpec, Quality
from services.lipsync.latentsync.engine import LatentSyncEngine
from services.media.timeline import footage_frame
from tests.checkpoints.latentsync import write_latentsync
from tests.services.lipsync.latentsync.conftest import moving, write_footage

RATE_HZ = 24000
ROOM = np.full((320, 320, 3), 90, np.uint8)


def engine_at(checkpoint, cache_root):
    engine = LatentSyncEngine(EngineSettings(checkpoint=checkpoint, cache_root=cache_root))
    engine.warm_up(Progress())
    return engine


@pytest.fixture(scope="module")
def engine(checkpoint, tmp_path_factory):
    return engine_at(checkpoint, tmp_path_factory.mktemp("cache"))


def spoken(engine, footage, frames, first=0, progress=None):
    pcm = (np.random.default_rng(frames).standard_normal(frames * RATE_HZ // 25) * 3000).astype(np.int16)
    spec = LipsyncSpec(footage, first, RATE_HZ, Quality.DRAFT)
    return list(engine.lipsync(spec, [pcm], progress or Progress()))


def pixels(patches):
    return [None if patch.pixels is None else (patch.x, patch.y, patch.pixels.tobytes()) for patch in patches]


def report(engine, footage):
    return next(iter(engine.prepare(footage, Progress())))


def written(path, picture, kind=".png"):
    """`path` has no ending, as in the media store."""
    path.write_bytes(cv2.imencode(kind, picture)[1].tobytes())
    return Footage(path, hashlib.sha256(path.read_bytes()).hexdigest())


def refusal(engine, footage):
    with pytest.raises(InvalidInputError) as caught:
        report(engine, footage)
    with pytest.raises(InvalidInputError):
        spoken(engine, footage, 2)
    assert caught.value.field == "spec.footage"
    assert caught.value.remedy
    return caught.value.reason


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_short_footage_goes_back_and_forth(engine, portrait, tmp_path, frames):
    footage = write_footage(tmp_path / "short.mp4", moving(portrait, frames))
    patches = spoken(engine, footage, 20, first=5)
    assert report(engine, footage).frames == frames
    places = {}
    for patch in patches:
        places.setdefault(footage_frame(patch.film_frame, frames), set()).add((patch.x, patch.y))
    assert len(places) == frames
    assert all(len(place) == 1 for place in places.values())


def test_far_into_the_film_the_same_footage_is_used(engine, footage):
    away = 58 * 10**12  # whole ways forth and back
    near, far = spoken(engine, footage, 18, first=20), spoken(engine, footage, 18, first=20 + away)
    assert [patch.film_frame - away for patch in far] == [patch.film_frame for patch in near]
    assert pixels(far) == pixels(near)


@pytest.mark.parametrize("kind", [".png", ".jpg", ".webp"])
def test_pictures_with_odd_sides(engine, portrait, tmp_path, kind):
    picture = cv2.cvtColor(moving(portrait, 1)[0][:319, :317], cv2.COLOR_RGB2BGR)
    footage = written(tmp_path / "picture", picture, kind)
    found = report(engine, footage)
    assert (found.width, found.height, found.frames) == (317, 319, 1)
    patches = spoken(engine, footage, 3)
    assert all(patch.pixels is not None for patch in patches)
    assert all(edge % 2 == 0 for patch in patches for edge in (patch.x, patch.y, *patch.pixels.shape[:2]))


@pytest.mark.parametrize("sides", [(2, 4000), (4000, 2), (1, 1), (2, 2)])
def test_pictures_that_can_hold_no_face(engine, tmp_path, sides):
    picture = np.random.default_rng(0).integers(0, 256, (*sides, 3), np.uint8)
    assert refusal(engine, written(tmp_path / "picture", picture)) == "NO_FACE"


def test_a_face_too_large_for_a_message(engine, portrait, tmp_path):
    close = cv2.resize(portrait, (3400, 3400), interpolation=cv2.INTER_CUBIC)
    assert refusal(engine, written(tmp_path / "close", close[..., ::-1])) == "FACE_TOO_LARGE"


def test_footage_whose_picture_changes_size(engine, portrait, tmp_path):
    parts = []
    for side in (320, 288):
        with av.open(str(tmp_path / "part.ts"), "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width = stream.height = side
            stream.pix_fmt, stream.options = "yuv420p", {"x264-params": "log-level=none:threads=1"}
            for picture in moving(portrait, 6, side, side):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode())
        parts.append((tmp_path / "part.ts").read_bytes())
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    assert refusal(engine, Footage(tmp_path / "both.ts", "b" * 64)) == "UNREADABLE_FOOTAGE"


def test_a_cut_moves_the_mouth_at_once(engine, portrait, tmp_path):
    """Nothing is smoothed over it, and no frame is left with the place of the shot before."""
    before, after = (np.roll(moving(portrait, 1)[0], shift, axis=(0, 1)) for shift in ((-20, -40), (25, 45)))
    footage = write_footage(tmp_path / "cut.mp4", [before] * 7 + [after] * 9)
    patches = spoken(engine, footage, 16)
    places = [(patch.x, patch.y) for patch in patches]
    assert np.ptp(places[:7], axis=0).max() <= 2
    assert np.ptp(places[7:], axis=0).max() <= 2
    np.testing.assert_allclose(np.subtract(places[7], places[6]), (85, 45), atol=6)


def test_a_face_that_walks_out_of_the_picture_and_back(engine, portrait, tmp_path):
    wide = cv2.copyMakeBorder(moving(portrait, 1)[0], 0, 0, 0, 400, cv2.BORDER_CONSTANT, value=(90, 90, 90))
    steps = [*range(0, 360, 40), *[400] * 6, *range(320, -1, -40)]
    footage = write_footage(tmp_path / "walk.mp4", [np.roll(wide, -step, axis=1)[:, :320] for step in steps])
    patches = spoken(engine, footage, len(steps))
    shown = [patch.pixels is not None for patch in patches]
    assert shown[0]
    assert shown[-1]
    assert not any(shown[9:15])
    assert report(engine, footage).frames_without_face >= 6
    for patch in patches:
        if patch.pixels is not None:
            assert 0 <= patch.x <= 320 - patch.pixels.shape[1]


def test_two_calls_at_once_give_what_each_gives_alone(engine, checkpoint, footage, portrait, tmp_path):
    other = write_footage(tmp_path / "other.mp4", moving(portrait, 20)[::-1])
    alone = [spoken(engine, each, 10) for each in (footage, other)]
    fresh = engine_at(checkpoint, tmp_path / "cache")
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(spoken, fresh, each, 10) for each in (footage, other, footage, other)]
    for call, expected in zip(calls, alone * 2, strict=True):
        for ours, theirs in zip(call.result(), expected, strict=True):
            assert (ours.film_frame, ours.x, ours.y) == (theirs.film_frame, theirs.x, theirs.y)
            assert np.abs(ours.pixels.astype(int) - theirs.pixels).max() <= 1  # other threads sum in another order


def test_a_cache_of_other_weights_is_not_used(checkpoint, footage, tmp_path):
    spoken(engine_at(checkpoint, tmp_path / "cache"), footage, 4)
    others = write_latentsync(tmp_path / "others", seed=1)
    kept = pixels(spoken(engine_at(others, tmp_path / "cache"), footage, 4))
    assert kept == pixels(spoken(engine_at(others, tmp_path / "empty"), footage, 4))


def test_an_unwritable_cache_changes_nothing(engine, checkpoint, footage, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    without = engine_at(checkpoint, tmp_path / "file")
    assert report(without, footage) == report(engine, footage)
    assert pixels(spoken(without, footage, 6)) == pixels(spoken(engine, footage, 6))


def test_footage_in_use_stays_young_in_the_cache(checkpoint, footage, tmp_path):
    engine = engine_at(checkpoint, tmp_path)
    spoken(engine, footage, 1)
    folder = tmp_path / "latentsync" / footage.sha256
    os.utime(folder, (0, 0))
    spoken(engine, footage, 1)
    assert folder.stat().st_mtime > 0


@pytest.mark.parametrize("stage", ["look for faces", "encode faces", "hear", "denoise", "decode faces"])
def test_a_cancel_ends_the_call_in_any_stage(checkpoint, engine, footage, tmp_path, stage):
    """At its next unit; the next call finds nothing half done."""

    class Leaving(Progress):
        def phase(self, name, total_units=0, stall_budget_s=None):
            super().phase(name, total_units, stall_budget_s)
            phases.append(name)
            if name == stage:
                cancelled.set()

        def advance(self, units=1):
            super().advance(units)
            assert phases[-1] != stage

    phases, cancelled = [], threading.Event()
    left = engine_at(checkpoint, tmp_path)
    with pytest.raises(CancelledError):
        spoken(left, footage, 6, progress=Leaving(cancelled=cancelled))
    assert phases[-1] == stage
    assert not list(tmp_path.rglob("*.tmp"))
    assert pixels(spoken(left, footage, 6)) == pixels(spoken(engine, footage, 6))
