import pytest
import torch

from services.lipsync.latentsync.acceleration import denoiser_of
from services.lipsync.latentsync.unet import UNet
from tests.checkpoints.latentsync import TINY_UNET


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(0)
    return UNet(TINY_UNET).eval().requires_grad_(False)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside torch's compiler
@torch.inference_mode()
def test_the_unet_compiles_in_one_piece_and_stays_the_same(unet):
    sample, times, audio = torch.randn(2, 13, 4, 8, 8), torch.full((2,), 501.0), torch.randn(8, 50, 8)
    plain, compiled = denoiser_of(unet, "off"), denoiser_of(unet, "compile", backend="eager")
    noise, features = plain.full(sample, times, audio)
    compiled_noise, compiled_features = compiled.full(sample, times, audio)
    torch.testing.assert_close(compiled_noise, noise)
    torch.testing.assert_close(compiled_features, features)
    torch.testing.assert_close(
        compiled.shallow(sample, times, audio, features), plain.shallow(sample, times, audio, features)
    )
