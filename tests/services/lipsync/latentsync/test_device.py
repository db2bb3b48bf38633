"""The whole engine on a pretended GPU makes the processor's patches, and does nothing that a card would refuse."""

import numpy as np
import pytest

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import LipsyncSpec, Quality
from services.lipsync.latentsync.engine import LatentSyncEngine
from tests.support.pretend_cuda import pretended_cuda

RATE_HZ = 16_000


@pytest.fixture
def lipsynced(checkpoint, footage, tmp_path):
    def patches(device, frames, options):
        engine = LatentSyncEngine(EngineSettings(device, checkpoint, tmp_path / device, options))
        voice = (np.random.default_rng(0).standard_normal(frames * RATE_HZ // 25) * 3000).astype(np.int16)
        return list(engine.lipsync(LipsyncSpec(footage, 0, RATE_HZ, Quality.DRAFT), [voice], Progress()))

    return patches


@pytest.mark.parametrize(
    ("frames", "on_the_processor", "on_the_device"),
    [
        (4, {"dtype": "float16"}, {}),
        (
            40,
            {"dtype": "float32", "chunks_at_once": "2"},
            {"dtype": "float32", "chunks_at_once": "2", "acceleration": "cuda-graphs"},
        ),
    ],
)
def test_patches_of_the_device_are_those_of_the_processor(lipsynced, frames, on_the_processor, on_the_device):
    """Without settings the device computes in float16; its graphs are here without their compiler."""
    expected = lipsynced("cpu", frames, on_the_processor)
    with pretended_cuda():
        found = lipsynced("cuda", frames, on_the_device)
    assert len(found) == len(expected) == frames
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.film_frame, ours.x, ours.y) == (theirs.film_frame, theirs.x, theirs.y)
        assert (ours.pixels is None) == (theirs.pixels is None)
        if ours.pixels is not None:
            assert np.abs(ours.pixels.astype(int) - theirs.pixels).max() <= 1
