"""The least work that a second of lip-synced film takes, from the real shapes on the meta device: no weights, no GPU.

    python -m tests.bench.limits_latentsync            prints the section of docs/limits.md
    python -m tests.bench.limits_latentsync --write    puts it there

How it is counted: limits_cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from services.lipsync.engine import Quality
from services.lipsync.latentsync.face.quality import MODES, Mode
from services.lipsync.latentsync.networks.blocks import UNetConfig
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.networks.vae import Vae
from services.lipsync.latentsync.networks.whisper import AudioDims, WhisperEncoder
from tests.bench.limits_cost import CARD, Cost, counted, header, main, row

RELEASED, WHISPER_TINY = UNetConfig(), AudioDims()
CHUNK_FRAMES = 16
CHUNK_S = CHUNK_FRAMES / 25
AUDIO_TOKENS = 50
PUBLISHED = Mode("ddim", steps=20, cache_interval=3, resolution=512)
"""How the release's script runs."""
MODE_OF_NAME = {quality.value: MODES[quality] for quality in Quality} | {"as published": PUBLISHED}
SD_VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
}
"""config.json of stabilityai/sd-vae-ft-mse, as far as it decides shapes."""


def unet_costs(resolution: int, config: UNetConfig = RELEASED) -> tuple[Cost, Cost]:
    """One full and one cached step of a chunk, both halves of the guidance."""
    side = resolution // 8
    with torch.device("meta"):
        unet = UNet(config)
        sample, times = torch.empty(2, config.in_channels, CHUNK_FRAMES, side, side), torch.empty(2)
        audio = torch.empty(2 * CHUNK_FRAMES, AUDIO_TOKENS, config.audio_dim)
    with counted() as full:
        _, features = unet.full(sample, times, audio)
    with counted() as shallow:
        unet.shallow(sample, times, audio, features)
    return full.cost, shallow.cost


def vae_costs(resolution: int, config: Mapping[str, Any] = SD_VAE) -> tuple[Cost, Cost]:
    """Encoding masked and whole faces of a chunk, and decoding it."""
    from diffusers import AutoencoderKL

    with torch.device("meta"):
        vae = Vae(AutoencoderKL(**config))
    with counted() as encode:
        vae.encode(torch.empty(2 * CHUNK_FRAMES, 3, resolution, resolution))
    with counted() as decode:
        vae.decode(torch.empty(CHUNK_FRAMES, 4, resolution // 8, resolution // 8))
    return encode.cost, decode.cost


def whisper_cost(dims: AudioDims = WHISPER_TINY) -> Cost:
    """One window of 30 s."""
    with torch.device("meta"):
        encoder = WhisperEncoder(dims)
    with counted() as counter:
        encoder.encoder(torch.empty(1, 80, 3000))
    return counter.cost


def full_steps(mode: Mode) -> int:
    """Steps that run the whole UNet; the others run its last layer only."""
    return -(-mode.steps // mode.cache_interval)


def film_second(mode: Mode, unet: tuple[Cost, Cost], vae: tuple[Cost, Cost], whisper: Cost) -> Mapping[str, Cost]:
    """What one second of film takes in a mode, by stage; encoding only the first time footage is used."""
    full, shallow = unet
    steps = full * full_steps(mode) + shallow * (mode.steps - full_steps(mode))
    encode, decode = vae
    chunk = {"UNet": steps, "VAE decode": decode, "VAE encode": encode, "Whisper": whisper}
    return {stage: cost * (1 / CHUNK_S) for stage, cost in chunk.items()}


def section() -> str:
    """The tables of docs/limits.md."""
    chunk = header("16-frame chunk", "one full step", "one cached step", "VAE encode", "VAE decode")
    film = header(
        *("mode", "solver", "steps, full of them", "resolution", "UNet", "VAE decode"),
        *("all, footage known", "all, footage new", f"least s per s, {CARD}"),
    )
    whisper = whisper_cost()
    for resolution in (256, 512):
        unet, vae = unet_costs(resolution), vae_costs(resolution)
        chunk.append(row(str(resolution), *(_in_words(cost, 2) for cost in (*unet, *vae))))
        for name, mode in MODE_OF_NAME.items():
            second = film_second(mode, unet, vae, whisper)
            known = second["UNet"] + second["VAE decode"] + second["Whisper"]
            costs = (second["UNet"], second["VAE decode"], known, known + second["VAE encode"])
            steps = f"{mode.steps}, {full_steps(mode)}"
            cells = (_in_words(cost, 0) for cost in costs)
            film.append(row(name, mode.solver, steps, str(resolution), *cells, f"{known.seconds():.2f}"))
    return "\n".join([*chunk, "", *film])


def _in_words(cost: Cost, digits: int) -> str:
    return f"{cost.flops / 1e12:.{digits}f} TFLOP, {cost.bytes / 1e9:.0f} GB"


if __name__ == "__main__":
    main("latentsync", section)
