"""A stand-in for a GPU: on the meta device an operation fails when one of its tensors was made on the processor."""

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from services.lipsync.latentsync.crop import crop_matrix
from services.lipsync.latentsync.mask import blend_weights, keep_mask
from services.lipsync.latentsync.sampler import Denoiser, denoise, job_noise
from services.lipsync.latentsync.schedulers import Ddim, DpmSolver
from services.lipsync.latentsync.unet import UNet
from services.lipsync.latentsync.vae import Vae
from services.lipsync.latentsync.warp import to_square, warped
from services.lipsync.latentsync.whisper import WhisperEncoder
from services.lipsync.latentsync.windows import frame_windows
from tests.bench.gpu_latentsync import FACE, TINY

META = torch.device("meta")


def on_the_device(build, dtype=torch.float16):
    with META:
        return build().to(dtype).eval()


@pytest.mark.parametrize("scheduler", [Ddim, DpmSolver])
def test_denoising_stays_on_the_device(scheduler):
    unet = on_the_device(lambda: UNet(TINY.unet)).to(memory_format=torch.channels_last)
    latents = denoise(
        Denoiser(unet.full, unet.shallow, torch.float16, META),
        scheduler(4),
        job_noise(0, 8, 8),
        torch.zeros(2, 9, 16, 8, 8),
        torch.zeros(32, 50, 8),
        guidance_scale=1.5,
        cache_interval=2,
        after_step=lambda: None,
    )
    assert (latents.device, latents.dtype, latents.shape) == (META, torch.float32, (2, 4, 16, 8, 8))


def test_the_voice_is_heard_on_the_device():
    encoder = on_the_device(lambda: WhisperEncoder(TINY.audio), torch.float32)
    windows = frame_windows(encoder.states(torch.empty(32000, device=META)), range(16))
    assert (windows.device, windows.shape) == (META, (16, 50, 8))


def test_faces_are_cut_coded_and_laid_back_on_the_device():
    """In half precision only between the VAE's ends."""
    vae = Vae(on_the_device(lambda: AutoencoderKL(**TINY.vae)))
    matrix = crop_matrix(FACE, 64)
    square = to_square(np.zeros((1920, 1080, 3), np.uint8), matrix, 64, META)
    faces = vae.decode(vae.encode(torch.stack([square * keep_mask(64).to(META), square])))
    back = warped(faces[0], matrix, 1920, 1080, "bicubic") * warped(
        blend_weights(keep_mask(64)).to(META)[None], matrix, 1920, 1080
    )
    assert (square.dtype, faces.dtype, back.dtype) == (torch.float32,) * 3
    assert (back.device, back.shape) == (META, (3, 1920, 1080))
