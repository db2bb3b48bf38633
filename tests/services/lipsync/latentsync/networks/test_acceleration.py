from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from services.base.errors import FailedPreconditionError
from services.lipsync.latentsync.networks.acceleration import compiling, denoiser_of, recorded
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.sampler import denoise
from services.lipsync.latentsync.schedulers import Ddim
from tests.checkpoints.latentsync import TINY_UNET
from tests.support.recorder import checked


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


def failing(error):
    def backend(graph, inputs):
        raise error

    return backend


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside torch's compiler
@pytest.mark.parametrize(
    ("error", "told_so"),
    [
        (FileNotFoundError("no g++"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."), False),
    ],
)
@torch.inference_mode()
def test_a_machine_without_a_compiler_is_told_so_but_a_full_device_is_none(unet, error, told_so):
    from torch._dynamo.exc import TorchDynamoException  # torch's compiler, which takes seconds to load

    told = FailedPreconditionError if told_so else TorchDynamoException
    torch._dynamo.reset()
    compiled = denoiser_of(unet, "compile", backend=failing(error))
    with pytest.raises(told) as caught, compiling():
        compiled.full(torch.randn(2, 13, 4, 8, 8), torch.full((2,), 501.0), torch.randn(8, 50, 8))
    if told is FailedPreconditionError:
        assert (caught.value.field, caught.value.reason) == ("options.acceleration", "NOT_COMPILED")


def denoised(denoiser, batch, seed):
    """A run that caches, over two steps of three."""
    generator = torch.Generator().manual_seed(seed)
    known, audio, noise = (
        torch.randn(shape, generator=generator) for shape in ((batch, 9, 4, 8, 8), (batch * 4, 50, 8), (1, 4, 1, 8, 8))
    )
    return denoise(
        denoiser, Ddim(6), noise, known, audio, guidance_scale=1.5, cache_interval=3, after_step=lambda: None
    )


def test_recordings_equal_the_plain_networks_whatever_thread_calls(unet):
    """Two sizes of batch, each recorded once; results of one call survive the next."""
    calls, plain = [], denoiser_of(unet, "off")
    replayed = recorded(plain, lambda work: calls.append(1) or checked(work))
    jobs = [(1, 0), (2, 1), (1, 2), (2, 3), (1, 4), (1, 5)]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda job: denoised(replayed, *job), jobs))
    for job, latents in zip(jobs, found, strict=True):
        torch.testing.assert_close(latents, denoised(plain, *job), atol=1e-5, rtol=0)
    assert len(calls) == 4


@torch.inference_mode()
def test_a_result_outlives_the_next_replay(unet):
    replayed = recorded(denoiser_of(unet, "off"), checked)
    times, audio = torch.full((2,), 501.0), torch.randn(8, 50, 8)
    first, _ = replayed.full(torch.randn(2, 13, 4, 8, 8), times, audio)
    before = first.clone()
    replayed.full(torch.randn(2, 13, 4, 8, 8), times, audio)
    assert torch.equal(first, before)
