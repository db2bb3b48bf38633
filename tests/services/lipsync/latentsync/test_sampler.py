from pathlib import Path

import numpy as np
import pytest
import torch

from services.base.errors import CancelledError
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.sampler import Denoiser, _Pace, denoise, job_noise
from services.lipsync.latentsync.schedulers import Ddim, DpmSolver, alphas_cumprod
from tests.checkpoints.tiny_unet import TINY
from tests.golden.filled import fill, input_of

GOLDEN = np.load(Path("tests/golden/latentsync/unet_tiny.npz"))
SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}


@pytest.fixture(scope="module")
def denoiser():
    unet = fill(UNet(TINY))
    return Denoiser(unet.full, unet.shallow, torch.float32, torch.device("cpu"))


def golden_run(denoiser, interval, after_step=lambda: None):
    known = torch.cat(
        (
            (input_of("mask", (1, 1, 16, 16, 16)) > 0).float(),
            input_of("masked", (1, 4, 16, 16, 16)),
            input_of("reference", (1, 4, 16, 16, 16)),
        ),
        dim=1,
    )
    return denoise(
        denoiser,
        Ddim(20),
        input_of("noise", (1, 4, 1, 16, 16)),
        known,
        input_of("chunk_audio", (16, 50, 16)),
        guidance_scale=1.5,
        cache_interval=interval,
        after_step=after_step,
    )


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max(), rtol=0)


def test_the_published_schedule():
    assert Ddim(20).timesteps.tolist() == GOLDEN["timesteps"].tolist()
    np.testing.assert_allclose(alphas_cumprod(), GOLDEN["alphas_cumprod"], rtol=1e-5)


def test_the_published_twenty_steps(denoiser):
    close(golden_run(denoiser, 1).numpy(), GOLDEN["latents_20steps"])


def test_the_published_twenty_steps_with_deepcache(denoiser):
    latents = golden_run(denoiser, 3).numpy()
    close(latents, GOLDEN["latents_20steps_deepcache3"])
    assert np.abs(latents - GOLDEN["latents_20steps"]).max() > 0.01


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside diffusers 0.39
@pytest.mark.parametrize("steps", [2, 10, 20])
@pytest.mark.parametrize(
    ("ours", "theirs", "configured"),
    [
        (Ddim, "DDIMScheduler", {"clip_sample": False, "set_alpha_to_one": False}),
        (DpmSolver, "DPMSolverMultistepScheduler", {"steps_offset": 0}),
    ],
)
def test_schedulers_equal_the_library(ours, theirs, configured, steps):
    import diffusers  # which takes seconds, and every run of pytest reads this file

    ours = ours(steps)
    theirs = getattr(diffusers, theirs)(**SCHEDULE | configured)
    theirs.set_timesteps(steps)
    assert ours.timesteps.tolist() == theirs.timesteps.tolist()
    x = y = input_of("x", (1, 4, 2, 3, 3))
    for index, timestep in enumerate(theirs.timesteps):
        noise = 0.5 * y + input_of(f"noise{index}", (1, 4, 2, 3, 3))
        x = ours.step(noise, index, x)
        y = theirs.step(noise, timestep, y).prev_sample
        torch.testing.assert_close(x, y, atol=2e-5, rtol=1e-4)


def test_a_caller_who_leaves_stops_the_loop_within_the_step(denoiser):
    steps = []

    def leave_at_the_second():
        steps.append(None)
        if len(steps) == 2:
            raise CancelledError("The caller cancelled this call.")

    with pytest.raises(CancelledError):
        golden_run(denoiser, 3, leave_at_the_second)
    assert len(steps) == 2


def test_noise_is_a_function_of_the_seed():
    assert torch.equal(job_noise(7, 16, 16), job_noise(7, 16, 16))
    assert not torch.equal(job_noise(7, 16, 16), job_noise(8, 16, 16))
    assert job_noise(2**64 - 1, 4, 4).shape == (1, 4, 1, 4, 4)


def test_the_host_runs_one_step_ahead_of_a_gpu_and_sleeps_meanwhile(monkeypatch):
    events = []

    class Event:
        def __init__(self, *, blocking):
            assert blocking  # else waiting takes a whole core

        def record(self, stream):
            events.append((self, "recorded", stream))

        def synchronize(self):
            events.append((self, "awaited", None))

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: device.index)
    pace = _Pace(torch.device("cuda:1"))
    for _ in range(3):
        pace.step()
    order = [event for event, what, _ in events if what == "recorded"]
    told = [(order.index(event), what, stream) for event, what, stream in events]
    assert told == [
        *((0, "recorded", 1), (1, "recorded", 1)),
        *((0, "awaited", None), (2, "recorded", 1), (1, "awaited", None)),
    ]
