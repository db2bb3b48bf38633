"""How fast LatentSync runs: random weights of the real shapes, nothing but the networks, the loop and the pasting."""

from __future__ import annotations

import itertools
import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from services.lipsync.engine import Box
from services.lipsync.latentsync.face.crop import crop_matrix, shifted
from services.lipsync.latentsync.face.mask import blend_weights, keep_mask
from services.lipsync.latentsync.face.quality import Mode
from services.lipsync.latentsync.face.restore import Restorer
from services.lipsync.latentsync.networks.acceleration import Acceleration, denoiser_of, recorded
from services.lipsync.latentsync.networks.blocks import UNetConfig
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.networks.vae import Vae
from services.lipsync.latentsync.networks.whisper import WINDOW_SAMPLES, AudioDims, WhisperEncoder
from services.lipsync.latentsync.sampler import Denoiser, denoise, job_noise
from tests.bench.gpu_machine import Machine
from tests.bench.gpu_report import Report
from tests.bench.limits_cost import Cost
from tests.bench.limits_latentsync import (
    AUDIO_TOKENS,
    CHUNK_FRAMES,
    CHUNK_S,
    MODE_OF_NAME,
    SD_VAE,
    unet_costs,
    vae_costs,
    whisper_cost,
)
from tests.checkpoints.latentsync import TINY_AUDIO, TINY_UNET

BENCH = "LatentSync"
FRAME = 1080, 1920  # width and height of the film in pixels
FACE = np.array(((440, 700), (640, 704), (541, 850)))  # brows and nose in it
STEPS, VAE, CPU = ("full step", "cached step"), ("VAE encode", "VAE decode"), ("read", "paste")
COMPILING_S = 100.0  # of two functions for one set of shapes, at a guess

Call = Callable[[], Any]


@dataclass(frozen=True)
class Size:
    """What is timed: the released networks, or toys."""

    unet: UNetConfig
    audio: AudioDims
    vae: Mapping[str, Any]
    resolutions: tuple[int, ...]
    chunks: tuple[int, ...]  # that go through the UNet together
    dtype: torch.dtype
    accelerations: tuple[Acceleration, ...]
    attentions: tuple[str, ...]  # of torch.nn.attention.SDPBackend
    backend: str = "inductor"


REAL = Size(
    UNetConfig(),
    AudioDims(),
    SD_VAE,
    (256, 512),
    (1, 4),
    torch.float16,
    accelerations=("compile", "cuda-graphs"),
    attentions=("FLASH_ATTENTION", "CUDNN_ATTENTION"),
)
TINY = Size(
    TINY_UNET,
    TINY_AUDIO,
    {**SD_VAE, "block_out_channels": (8, 8, 8, 8), "norm_num_groups": 4},
    (64,),
    (1, 2),
    torch.float32,
    accelerations=("compile", "cuda-graphs"),
    attentions=("FLASH_ATTENTION", "MATH"),
    backend="eager",
)


class LipsBench:
    """Networks of one size, and what was measured of them so far."""

    def __init__(self, machine: Machine, size: Size) -> None:
        self.machine, self.size, self._others = machine, size, machine.reserved()
        self.stage_s: dict[tuple[Acceleration, int, str], float] = {}
        self._costs: dict[tuple[int, str], Cost | None] = {}
        torch.backends.cuda.enable_cudnn_sdp(True)  # torch's choice, as in an engine of its own
        torch.manual_seed(0)
        with torch.device(machine.device):
            unet = UNet(size.unet).to(size.dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._encoder = WhisperEncoder(size.audio).eval()
        self._unet: UNet = unet.eval().requires_grad_(requires_grad=False)
        self._denoisers: dict[Acceleration, Denoiser] = {"off": denoiser_of(self._unet, "off")}

    @cached_property
    def _vae(self) -> Vae:
        """Raises ImportError without diffusers."""
        from diffusers import AutoencoderKL

        with torch.inference_mode(mode=False), torch.device(self.machine.device):
            model = AutoencoderKL(**self.size.vae).eval().requires_grad_(requires_grad=False)
            nn.Module.to(model, dtype=self.size.dtype, memory_format=torch.channels_last)  # diffusers' own warns
        return Vae(model)

    def denoiser(self, acceleration: Acceleration) -> Denoiser:
        """The UNet in one of the ways to run it; graphs replay what was compiled."""
        if acceleration not in self._denoisers:
            made = denoiser_of(self._unet, "compile", self.size.backend)
            if acceleration == "cuda-graphs":
                made = recorded(self.denoiser("compile"), self.machine.recorder())
            self._denoisers[acceleration] = made
        return self._denoisers[acceleration]

    def stage(self, acceleration: Acceleration, resolution: int, name: str) -> str:
        """One stage of a 16-frame chunk: time, achieved arithmetic and its share of the ceiling."""
        timing = self.machine.timed(self.call(acceleration, resolution, name))
        self.stage_s[acceleration, resolution, name] = timing.median_s
        cost = self.cost(resolution, name)
        if cost is None:
            return f"{timing.median_s * 1e3:.1f} ms"
        off = f"; off by {self._difference(acceleration, resolution):.1e}" if acceleration != "off" else ""
        rate, least_s = cost.flops / timing.median_s, self.machine.least_s(cost)
        return (
            f"{timing.median_s * 1e3:.1f} ms, {cost.flops / 1e12:.3f} TFLOP: {rate / 1e12:.2f} TFLOP/s, "
            f"{rate / self.machine.flops_per_s:.0%} of the ceiling; least {least_s * 1e3:.1f} ms; "
            f"first call {timing.first_s:.1f} s{off}"
        )

    def attention(self, resolution: int, kernel: str) -> str:
        """A full step whose attentions are all computed by one kernel instead of torch's choice."""
        with sdpa_kernel(getattr(SDPBackend, kernel)):
            took_s = self.machine.timed(self._step(self.denoiser("off"), resolution, "full step")).median_s
        return f"{took_s * 1e3:.1f} ms"

    def _difference(self, acceleration: Acceleration, resolution: int) -> float:
        """Of a full step to that of the plain UNet: the norm of the difference over the norm."""
        found = []
        for way in (acceleration, "off"):
            torch.manual_seed(1)
            found.append(self._step(self.denoiser(way), resolution, "full step")()[0].float())
        ours, plain = found
        return float((ours - plain).norm() / plain.norm())

    def call(self, acceleration: Acceleration, resolution: int, name: str, share: float = 1.0) -> Call:
        """A stage, or a `share` of it: one half of the guidance, or a few of its pictures."""
        if name in STEPS:
            return self._step(self.denoiser(acceleration), resolution, name, round(2 * share))
        if name in VAE:
            return self._coding(resolution, name, share)
        if name in CPU:
            return _reading(resolution) if name == "read" else _pasting(resolution, self.machine.device)
        silence = torch.zeros(WINDOW_SAMPLES, device=self.machine.device)
        return lambda: self._encoder.states(silence)

    def _step(self, denoiser: Denoiser, resolution: int, name: str, halves: int = 2) -> Call:
        like = {"device": self.machine.device, "dtype": self.size.dtype}
        side, config, frames = resolution // 8, self.size.unet, halves * CHUNK_FRAMES
        sample = torch.randn(halves, config.in_channels, CHUNK_FRAMES, side, side, **like)
        times = torch.ones(halves, device=self.machine.device)
        audio = torch.randn(frames, AUDIO_TOKENS, config.audio_dim, **like)
        if name == "full step":
            return lambda: denoiser.full(sample, times, audio)
        features = torch.randn(frames, config.block_out_channels[0], side, side, **like)
        features = features.contiguous(memory_format=torch.channels_last)  # as a full step leaves them
        return lambda: denoiser.shallow(sample, times, audio, features)

    def _coding(self, resolution: int, name: str, share: float) -> Call:
        vae, side, frames = self._vae, resolution // 8, round(CHUNK_FRAMES * share)
        if name == "VAE encode":
            pictures = torch.rand(2 * frames, 3, resolution, resolution, device=self.machine.device) * 2 - 1
            return lambda: vae.encode(pictures)
        latents = torch.randn(frames, 4, side, side, device=self.machine.device)
        return lambda: vae.decode(latents)

    def cost(self, resolution: int, name: str) -> Cost | None:
        """The least work of a whole stage; None for those on the processor."""
        if (resolution, name) not in self._costs:
            size = self.size
            if name in STEPS:
                found = dict(zip(STEPS, unet_costs(resolution, size.unet), strict=True))
            elif name in VAE:
                found = dict(zip(VAE, vae_costs(resolution, size.vae), strict=True))
            else:
                found = {name: None if name in CPU else whisper_cost(size.audio)}
            self._costs |= {(resolution, each): cost for each, cost in found.items()}
        return self._costs[resolution, name]

    def mode(self, acceleration: Acceleration, resolution: int, name: str, chunks: int) -> str:
        """A whole chunk in a quality mode; its faces are already encoded, as they are from the second segment on."""
        with self.machine.peak(self._others) as peak:
            self.denoising(acceleration, Mode("dpm", 2, 2, resolution), resolution, chunks)()
            loop = self.denoising(acceleration, MODE_OF_NAME[name], resolution, chunks)
            times = [self.machine.once(loop)]
            while len(times) < 3 and sum(times) < self.machine.patience_s:
                times.append(self.machine.once(loop))
        rest = ("VAE decode", "Whisper", *CPU)
        known = {stage: self.stage_s[key] for stage in rest if (key := ("off", resolution, stage)) in self.stage_s}
        unet_s = min(times) / chunks
        if "read" in known:  # on a thread of its own meanwhile: only what lasts longer counts
            known["read"] = max(0.0, known["read"] - unet_s)
        whole_s = unet_s + sum(known.values())
        parts = {"UNet": unet_s, "VAE": known.get("VAE decode", 0), "CPU": sum(known.get(name, 0) for name in CPU)}
        split = ", ".join(f"{part} {part_s / whole_s:.0%}" for part, part_s in parts.items())
        missing = ", ".join(stage for stage in rest if stage not in known)
        return f"{CHUNK_FRAMES / whole_s:.1f} frames/s, {whole_s / CHUNK_S:.2f} s per s of film; {split}; {peak()}" + (
            f"; without {missing}" if missing else ""
        )

    def denoising(self, acceleration: Acceleration, mode: Mode, resolution: int, chunks: int) -> Call:
        """The denoising loop of `chunks` chunks."""
        side, denoiser = resolution // 8, self.denoiser(acceleration)
        known = torch.randn(chunks, 9, CHUNK_FRAMES, side, side)
        audio = torch.randn(chunks * CHUNK_FRAMES, AUDIO_TOKENS, self.size.unet.audio_dim)
        noise = job_noise(0, side, side)
        settings = {"guidance_scale": 1.5, "cache_interval": mode.cache_interval, "after_step": lambda: None}
        return lambda: denoise(denoiser, mode.scheduler(), noise, known, audio, **settings)


def _placed(resolution: int) -> tuple[Restorer, np.ndarray, Box]:
    """A mouth in the middle of the film."""
    restorer, matrix = Restorer(blend_weights(keep_mask(resolution))), crop_matrix(FACE, resolution)
    box = restorer.box(matrix, *FRAME)
    assert box
    return restorer, matrix, box


def _pasting(resolution: int, device: torch.device) -> Call:
    """Sixteen mouths back into the film, from faces on the device to pixels on the host."""
    _, matrix, box = _placed(resolution)
    restorer = Restorer(blend_weights(keep_mask(resolution)).to(device))
    old = np.random.default_rng(0).integers(0, 256, (box.height, box.width, 3), np.uint8)
    face, within = torch.rand(3, resolution, resolution, device=device), shifted(matrix, box.x, box.y)
    return lambda: [restorer.paste(old, face, within) for _ in range(CHUNK_FRAMES)]


def _reading(resolution: int) -> Call:
    """What lies around the mouth in sixteen frames of H.264, opened anew. Raises ImportError without av."""
    from services.lipsync.footage import CropReader, FrameIndex, decoded, opened

    *_, box = _placed(resolution)
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "film.mp4"
    _write_film(path)
    with opened(path) as container:
        stamps, keys = zip(*((frame.pts, frame.key_frame) for frame in decoded(container)), strict=True)
    index = FrameIndex(np.array(stamps), np.array(keys))

    def read() -> None:
        with CropReader(path, index, [box] * CHUNK_FRAMES) as reader:
            for frame in range(CHUNK_FRAMES):
                reader.rgb(frame)

    weakref.finalize(read, folder.cleanup)
    return read


def _write_film(path: Path) -> None:
    import av
    import cv2

    random = np.random.default_rng(0)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = FRAME
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast", "bf": "0", "x264-params": "log-level=none"}
        for _ in range(CHUNK_FRAMES):
            picture = cv2.resize(random.integers(0, 256, (60, 34, 3), np.uint8), FRAME, interpolation=cv2.INTER_CUBIC)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def cases(report: Report, bench: LipsBench) -> None:
    """Stages and quality modes of the plain networks."""
    for resolution in bench.size.resolutions:
        for name in (*STEPS, *VAE, "Whisper", *CPU):
            report.case(BENCH, f"{resolution}: {name}", lambda n=name, r=resolution: bench.stage("off", r, n))
        for kernel in bench.size.attentions:
            case = f"{resolution}: full step, attention by {kernel}"
            report.case(BENCH, case, lambda k=kernel, r=resolution: bench.attention(r, k))
        for chunks in bench.size.chunks:
            _modes(report, bench, "off", resolution, chunks)


def accelerated_cases(report: Report, bench: LipsBench) -> None:
    """The same steps and modes compiled, and replayed as graphs; one chunk at once, as each batch is compiled anew."""
    for resolution, way in itertools.product(bench.size.resolutions, bench.size.accelerations):
        for name in STEPS:
            compiled = ("compile", resolution, "full step") in bench.stage_s
            case, needs_s = f"{resolution}, {way}: {name}", 5.0 if compiled else COMPILING_S
            report.case(BENCH, case, lambda w=way, n=name, r=resolution: bench.stage(w, r, n), needs_s)
        if all((way, resolution, name) in bench.stage_s for name in STEPS):
            _modes(report, bench, way, resolution, 1)


def _modes(report: Report, bench: LipsBench, way: Acceleration, resolution: int, chunks: int) -> None:
    for name in MODE_OF_NAME:
        case = f"{resolution}{'' if way == 'off' else f', {way}'}: {name}, {chunks} chunks at once"
        report.case(BENCH, case, lambda n=name: bench.mode(way, resolution, n, chunks))
