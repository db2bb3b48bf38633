"""The whole engine on a pretended GPU makes the processor's patches, and does nothing that a card would refuse."""

import numpy as np
import pytest

from services.lipsync.engine import LipsyncSpec, Quality
from services.lipsync.latentsync.engine import LatentSyncEngine
from services.runtime.engine_settings import EngineSettings
from services.runtime.progress import Progress
from tests.pretend_cuda import pretended_cuda

RATE_HZ = 16_000


def lipsynced(settings, footage, frames, quality):
    voice = (np.random.default_rng(0).standard_normal(frames * RATE_HZ // 25) * 3000).astype(np.int16)
    return list(LatentSyncEngine(settings).lipsync(LipsyncSpec(footage, 0, RATE_HZ, quality), [voice], Progress()))


@pytest.mark.parametrize(
    ("frames", "quality", "as_on_cuda", "options"),
    [
        (4, Quality.DRAFT, {"dtype": "float16"}, {}),
        (40, Quality.DRAFT, {"dtype": "float32", "chunks_at_once": "2"}, {"acceleration": "cuda-graphs"}),
    ],
)
def test_patches_of_the_device_are_those_of_the_processor(
    checkpoint, footage, tmp_path, frames, quality, as_on_cuda, options
):
    """On the device without a dtype where it is the default; the graphs without their compiler."""
    plain = EngineSettings("cpu", checkpoint, tmp_path / "cpu", as_on_cuda)
    expected = lipsynced(plain, footage, frames, quality)
    if options:
        options = as_on_cuda | options
    with pretended_cuda():
        found = lipsynced(EngineSettings("cuda", checkpoint, tmp_path / "cuda", options), footage, frames, quality)
    assert len(found) == len(expected) == frames
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.film_frame, ours.x, ours.y) == (theirs.film_frame, theirs.x, theirs.y)
        assert (ours.pixels is None) == (theirs.pixels is None)
        if ours.pixels is not None:
            assert np.abs(ours.pixels.astype(int) - theirs.pixels).max() <= 1
