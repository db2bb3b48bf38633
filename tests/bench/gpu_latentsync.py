"""How fast LatentSync runs on a GPU: random weights of the real shapes, nothing but the networks and the loop.

    python -m tests.bench.gpu_latentsync                              256 and 512, eager and compiled, every mode
    python -m tests.bench.gpu_latentsync --acceleration cuda-graphs   another way of running the UNet
    python -m tests.bench.gpu_latentsync --tiny                       a toy on the CPU, to see that the bench works

Needs torch >= 2.11, numpy and OpenCV; diffusers for the VAE's lines. Achieved TFLOP/s count the products only, as
limits_latentsync does, and are set against the matrix product measured in the same run.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from services.lipsync.engine import Quality
from services.lipsync.latentsync.acceleration import denoiser_of
from services.lipsync.latentsync.blocks import UNetConfig
from services.lipsync.latentsync.crop import crop_matrix, shifted
from services.lipsync.latentsync.mask import blend_weights, keep_mask
from services.lipsync.latentsync.quality import MODES, PUBLISHED, Mode
from services.lipsync.latentsync.restore import Restorer
from services.lipsync.latentsync.sampler import Denoiser, denoise, job_noise
from services.lipsync.latentsync.unet import UNet
from services.lipsync.latentsync.vae import Vae
from services.lipsync.latentsync.whisper import AudioDims, WhisperEncoder
from tests.bench.limits_latentsync import (
    AUDIO_TOKENS,
    CHUNK_FRAMES,
    CHUNK_S,
    SD_VAE,
    Cost,
    unet_costs,
    vae_costs,
    whisper_cost,
)

NO_COST = Cost()


@dataclass(frozen=True)
class Size:
    """What is timed: the released networks on CUDA, or toys on the processor."""

    unet: UNetConfig
    audio: AudioDims
    vae: Mapping[str, Any]
    resolutions: tuple[int, ...]
    product: int  # side of the square matrices of the ceiling
    device: torch.device
    dtype: torch.dtype
    repeats: int


REAL = Size(UNetConfig(), AudioDims(), SD_VAE, (256, 512), 8192, torch.device("cuda"), torch.float16, 5)
TINY = Size(
    UNetConfig(
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        audio_dim=8,
        attention_heads=2,
        motion_heads=2,
        norm_groups=8,
    ),
    AudioDims(n_audio_state=8, n_audio_head=2),
    {**SD_VAE, "block_out_channels": (8, 8, 8, 8), "norm_num_groups": 4},
    (64,),
    256,
    torch.device("cpu"),
    torch.float32,
    1,
)


@dataclass(frozen=True)
class Clock:
    """Times calls to their end on the device; the first call of each does not count."""

    size: Size

    def seconds(self, call: Callable[[], object], warm_ups: int = 1) -> float:
        """Median of the repeats."""
        for _ in range(warm_ups):
            call()
        return float(np.median([self._once(call) for _ in range(self.size.repeats)]))

    def _once(self, call: Callable[[], object]) -> float:
        self.wait()
        start = time.perf_counter()
        call()
        self.wait()
        return time.perf_counter() - start

    def wait(self) -> None:
        """Until the device has nothing left to do."""
        if self.size.device.type == "cuda":
            torch.cuda.synchronize()

    @contextmanager
    def peak(self) -> Iterator[Callable[[], str]]:
        """Gives a function that tells the device memory in GB that was needed inside at most."""
        if self.size.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            yield lambda: f"{torch.cuda.max_memory_allocated() / 1e9:.1f}"
        else:
            yield lambda: "not known"


def ceiling(clock: Clock) -> float:
    """FLOP/s of a large square matrix product in the dtype of the networks."""
    side, size = clock.size.product, clock.size
    a, b = (torch.randn(side, side, device=size.device, dtype=size.dtype) for _ in range(2))
    return 2 * side**3 / clock.seconds(lambda: a @ b, 3)


def networks(size: Size, acceleration: str) -> tuple[UNet, Denoiser, Vae | None, WhisperEncoder]:
    """Random weights; the VAE only where diffusers is installed."""
    torch.manual_seed(0)
    with torch.device(size.device):
        unet = UNet(size.unet).to(size.dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        encoder = WhisperEncoder(size.audio)
    unet.eval().requires_grad_(False)
    return unet, denoiser_of(unet, acceleration), _vae(size), encoder.eval()  # type: ignore[arg-type]


def _vae(size: Size) -> Vae | None:
    if importlib.util.find_spec("diffusers") is None:
        return None
    from diffusers import AutoencoderKL

    with torch.device(size.device):
        model = AutoencoderKL(**size.vae)
    nn.Module.to(model, dtype=size.dtype, memory_format=torch.channels_last)  # diffusers' own `to` warns of any dtype
    return Vae(model.eval().requires_grad_(False))


def stages(clock: Clock, nets: tuple[UNet, Denoiser, Vae | None, WhisperEncoder], resolution: int) -> dict[str, float]:
    """Seconds of each stage of a 16-frame chunk."""
    _, denoiser, vae, encoder = nets
    size, side = clock.size, resolution // 8
    options = {"device": size.device, "dtype": size.dtype}
    sample = torch.randn(2, size.unet.in_channels, CHUNK_FRAMES, side, side, **options)
    times, audio = (
        torch.ones(2, device=size.device),
        torch.randn(2 * CHUNK_FRAMES, AUDIO_TOKENS, size.unet.audio_dim, **options),
    )
    _, features = denoiser.full(sample, times, audio)
    seconds = {
        "full step": clock.seconds(lambda: denoiser.full(sample, times, audio)),
        "cached step": clock.seconds(lambda: denoiser.shallow(sample, times, audio, features)),
        "Whisper": clock.seconds(lambda: encoder.states(torch.zeros(480000, device=size.device))),
        "paste": clock.seconds(_pasting(resolution, size.device)),
    }
    if vae is not None:
        pictures = torch.randn(2 * CHUNK_FRAMES, 3, resolution, resolution, device=size.device)
        latents = torch.randn(CHUNK_FRAMES, 4, side, side, device=size.device)
        seconds["VAE encode"] = clock.seconds(lambda: vae.encode(pictures))
        seconds["VAE decode"] = clock.seconds(lambda: vae.decode(latents))
    return seconds


def _pasting(resolution: int, device: torch.device) -> Callable[[], object]:
    """Sixteen mouths back into 1080 x 1920 frames, to pixels on the host."""
    restorer = Restorer(blend_weights(keep_mask(resolution)).to(device))
    matrix = crop_matrix([(440, 700), (640, 704), (541, 850)], resolution)
    box = restorer.box(matrix, 1080, 1920)
    old = np.zeros((box.height, box.width, 3), np.uint8)
    face, within = torch.zeros(3, resolution, resolution, device=device), shifted(matrix, box.x, box.y)
    return lambda: [restorer.paste(old, face, within) for _ in range(CHUNK_FRAMES)]


def chunk_seconds(clock: Clock, denoiser: Denoiser, mode: Mode, resolution: int, chunks: int) -> float:
    """The whole denoising loop of a mode over `chunks` chunks, per chunk."""
    size, side = clock.size, resolution // 8
    known = torch.randn(chunks, 9, CHUNK_FRAMES, side, side)
    audio = torch.randn(chunks * CHUNK_FRAMES, AUDIO_TOKENS, size.unet.audio_dim)
    noise = job_noise(0, side, side)

    def loop() -> Tensor:
        return denoise(
            denoiser,
            mode.scheduler(),
            noise,
            known,
            audio,
            guidance_scale=1.5,
            cache_interval=mode.cache_interval,
            after_step=lambda: None,
        )

    return clock.seconds(loop) / chunks


def costs(size: Size, resolution: int) -> dict[str, Cost]:
    """Products of each stage."""
    full, shallow = unet_costs(resolution, size.unet)
    counted = {"full step": full, "cached step": shallow, "Whisper": whisper_cost(size.audio)}
    if importlib.util.find_spec("diffusers") is not None:
        counted["VAE encode"], counted["VAE decode"] = vae_costs(resolution, size.vae)
    return counted


def stage_table(seconds: Mapping[str, float], counted: Mapping[str, Cost], most: float) -> list[str]:
    """What each stage takes and how near it comes to the ceiling."""
    rows = ["| stage of a 16-frame chunk | ms | TFLOP | TFLOP/s | of the ceiling |", "|---|---|---|---|---|"]
    for name, time_s in seconds.items():
        rate = counted.get(name, NO_COST).flops / time_s
        rows.append(
            f"| {name} | {time_s * 1e3:.1f} | {rate * time_s / 1e12:.3f} | {rate / 1e12:.2f} | {rate / most:.0%} |"
        )
    return rows


def mode_table(
    clock: Clock, denoiser: Denoiser, seconds: Mapping[str, float], resolution: int, chunks: tuple[int, ...]
) -> list[str]:
    """Frames a second of each quality mode; footage whose faces are already encoded."""
    rows = [
        "| mode | chunks at once | frames/s | s per s of film | UNet, VAE, paste | peak GB |",
        "|---|---|---|---|---|---|",
    ]
    modes = {quality.value: MODES[quality] for quality in Quality} | {"as published": PUBLISHED}
    for name, mode in modes.items():
        for count in chunks:
            with clock.peak() as peak:
                unet = chunk_seconds(clock, denoiser, mode, resolution, count)
            rest = (seconds.get("VAE decode", 0.0), seconds["paste"])
            whole = unet + sum(rest) + seconds["Whisper"]
            split = ", ".join(f"{part / whole:.0%}" for part in (unet, *rest))
            rows.append(
                f"| {name} | {count} | {CHUNK_FRAMES / whole:.1f} | {whole / CHUNK_S:.2f} | {split} | {peak()} |"
            )
    return rows


@torch.inference_mode()
def run(size: Size, accelerations: list[str], chunks: tuple[int, ...], budget_s: float) -> None:
    """Measures and prints everything that begins within the budget."""
    begun = time.perf_counter()
    clock = Clock(size)
    most = ceiling(clock)
    name = torch.cuda.get_device_name() if size.device.type == "cuda" else "CPU"
    print(f"{name}, torch {torch.__version__}, {size.dtype}, {torch.get_num_threads()} threads")
    print(f"matrix product of {size.product}: {most / 1e12:.2f} TFLOP/s: the ceiling below")
    if importlib.util.find_spec("diffusers") is None:
        print("diffusers is not installed: the VAE is not timed and its share is missing from every total")
    for acceleration, resolution in itertools.product(accelerations, size.resolutions):
        start = time.perf_counter()
        if start - begun > budget_s:
            print(f"\n{resolution}, {acceleration}: not run, the time is used up")
            continue
        nets = networks(size, acceleration)
        seconds = stages(clock, nets, resolution)
        # Another batch is another graph, and another minute of compiling.
        counts = chunks if acceleration == "off" else chunks[:1]
        tables = [
            stage_table(seconds, costs(size, resolution), most),
            mode_table(clock, nets[1], seconds, resolution, counts),
        ]
        print(f"\n## {resolution}, {acceleration} ({time.perf_counter() - start:.0f} s)\n")
        print("\n\n".join("\n".join(table) for table in tables), flush=True)


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="toy networks on the CPU")
    parser.add_argument(
        "--acceleration", nargs="+", choices=["off", "compile", "cuda-graphs"], default=["off", "compile"]
    )
    parser.add_argument("--chunks", nargs="+", type=int, default=[1, 4], help="chunks of 16 frames at once")
    parser.add_argument("--budget-s", type=float, default=300, help="begin nothing new after this time")
    arguments = parser.parse_args()
    if arguments.tiny:
        torch.set_num_threads(1)
    run(TINY if arguments.tiny else REAL, arguments.acceleration, tuple(arguments.chunks), arguments.budget_s)


if __name__ == "__main__":
    main()
