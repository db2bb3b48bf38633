import json
from pathlib import Path

import numpy as np
import pytest
import torch

from services.lipsync.latentsync.networks.unet import UNet
from tests.checkpoints.tiny_unet import TINY
from tests.golden.filled import fill, input_of

GOLDEN = Path("tests/golden/latentsync")


def shapes(module):
    return {name: list(tensor.shape) for name, tensor in module.state_dict().items()}


@pytest.fixture(scope="module")
def tiny():
    return fill(UNet(TINY))


def test_the_released_names_and_shapes():
    with torch.device("meta"):
        unet = UNet()
    expected = json.loads((GOLDEN / "unet_keys_full.json").read_text(encoding="utf-8"))
    assert len(expected) == 1246
    assert shapes(unet) == expected


def test_the_tiny_names_and_shapes(tiny):
    assert shapes(tiny) == json.loads((GOLDEN / "unet_tiny.json").read_text(encoding="utf-8"))["keys"]


@pytest.mark.parametrize(("batch", "frames", "time"), [(1, 1, 1), (1, 5, 501), (2, 16, 951), (1, 16, 981), (1, 24, 1)])
@torch.inference_mode()
def test_single_calls(tiny, batch, frames, time):
    size = f"{batch}x{frames}x{time}"
    noise = tiny(
        input_of(f"sample/{size}", (batch, 13, frames, 16, 16)),
        torch.full((batch,), time),
        input_of(f"audio/{size}", (batch * frames, 50, 16)),
    )
    expected = np.load(GOLDEN / "unet_tiny.npz")[f"unet_B{batch}_F{frames}_t{time}"]
    np.testing.assert_allclose(noise.numpy(), expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


@torch.inference_mode()
def test_chunks_in_the_batch_do_not_see_each_other(tiny):
    sample, audio = input_of("two", (2, 13, 4, 16, 16)), input_of("voices", (8, 50, 16))
    together = tiny(sample, torch.tensor([501, 501]), audio)
    alone = tiny(sample[1:], torch.tensor([501]), audio[4:])
    torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=0)


@torch.inference_mode()
def test_channels_last_weights_give_the_same(tiny):
    sample, audio = input_of("layout", (1, 13, 3, 16, 16)), input_of("layout-voice", (3, 50, 16))
    plain = tiny(sample, torch.tensor([501]), audio)
    last = fill(UNet(TINY)).to(memory_format=torch.channels_last)
    torch.testing.assert_close(last(sample, torch.tensor([501]), audio), plain, atol=1e-4, rtol=0)
