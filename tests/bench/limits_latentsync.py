"""The least work that a second of lip-synced film takes, from the real shapes on the meta device: no weights, no GPU.

    python -m tests.bench.limits_latentsync            prints the section of docs/limits.md
    python -m tests.bench.limits_latentsync --write    puts it there

Counted are the products (convolutions, linear layers, attention), a multiply-add as two. Bytes are what they read and
write in 16-bit numbers if everything between them is fused into them: weights once a call, inputs and outputs once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor
from torch.overrides import TorchFunctionMode

from services.lipsync.engine import Quality
from services.lipsync.latentsync.blocks import UNetConfig
from services.lipsync.latentsync.quality import MODES, PUBLISHED, Mode
from services.lipsync.latentsync.unet import UNet
from services.lipsync.latentsync.vae import Vae
from services.lipsync.latentsync.whisper import AudioDims, WhisperEncoder

RELEASED, WHISPER_TINY = UNetConfig(), AudioDims()
CHUNK_FRAMES = 16
CHUNK_S = CHUNK_FRAMES / 25
AUDIO_TOKENS = 50
DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"
BEGIN, END = "<!-- latentsync -->", "<!-- /latentsync -->"

CARD, CARD_FLOPS, CARD_BYTES_PER_S = "H200 SXM", 989e12, 4.8e12  # NVIDIA's data sheet: dense FP16, memory bandwidth
SD_VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "latent_channels": 4,
}
"""config.json of stabilityai/sd-vae-ft-mse, as far as it decides shapes."""


@dataclass(frozen=True)
class Cost:
    """Floating-point operations, and bytes to and from the device's memory."""

    flops: float = 0.0
    bytes: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.flops + other.flops, self.bytes + other.bytes)

    def __mul__(self, times: float) -> Cost:
        return Cost(self.flops * times, self.bytes * times)

    @property
    def seconds(self) -> float:
        """The least time on the card: whichever of both takes longer."""
        return max(self.flops / CARD_FLOPS, self.bytes / CARD_BYTES_PER_S)


class _Counter(TorchFunctionMode):
    """Adds up the products that are called."""

    def __init__(self) -> None:
        self.cost = Cost()

    def __torch_function__(
        self, function: Callable[..., Any], types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        if function in {F.linear, torch.conv2d, torch.conv1d}:
            self._add(2 * result.numel() * args[1][0].numel(), (*args[:3], result))
        elif function is F.scaled_dot_product_attention:
            self._add(4 * args[0].numel() * args[1].shape[-2], (*args[:3], result))
        return result

    def _add(self, flops: float, tensors: Sequence[Any]) -> None:
        size = sum(tensor.numel() * 2 for tensor in tensors if isinstance(tensor, Tensor))
        self.cost += Cost(flops, size)


@contextmanager
def counted() -> Iterator[_Counter]:
    """Counts the products called inside."""
    with torch.inference_mode(), torch.device("meta"), _Counter() as counter:
        yield counter


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


def film_second(mode: Mode, unet: tuple[Cost, Cost], vae: tuple[Cost, Cost], whisper: Cost) -> Mapping[str, Cost]:
    """What one second of film takes in a mode, by stage; encoding only the first time footage is used."""
    full, shallow = unet
    steps = full * mode.full_steps + shallow * (mode.steps - mode.full_steps)
    encode, decode = vae
    chunk = {"UNet": steps, "VAE decode": decode, "VAE encode": encode, "Whisper": whisper}
    return {stage: cost * (1 / CHUNK_S) for stage, cost in chunk.items()}


def section() -> str:
    """The tables of docs/limits.md."""
    chunk = [
        "| 16-frame chunk | one full step | one cached step | VAE encode | VAE decode |",
        "|---|---|---|---|---|",
    ]
    film = [
        "| mode | solver | steps, full of them | resolution | UNet | VAE decode | all, footage known "
        f"| all, footage new | least s per s, {CARD} |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    whisper = whisper_cost()
    modes = {quality.value: MODES[quality] for quality in Quality} | {"as published": PUBLISHED}
    for resolution in (256, 512):
        unet, vae = unet_costs(resolution), vae_costs(resolution)
        chunk.append(_row(str(resolution), *(_in_words(cost, 2) for cost in (*unet, *vae))))
        for name, mode in modes.items():
            second = film_second(mode, unet, vae, whisper)
            known = second["UNet"] + second["VAE decode"] + second["Whisper"]
            costs = (second["UNet"], second["VAE decode"], known, known + second["VAE encode"])
            steps = f"{mode.steps}, {mode.full_steps}"
            cells = (_in_words(cost, 0) for cost in costs)
            film.append(_row(name, mode.solver, steps, str(resolution), *cells, f"{known.seconds:.2f}"))
    return "\n".join([*chunk, "", *film])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _in_words(cost: Cost, digits: int) -> str:
    return f"{cost.flops / 1e12:.{digits}f} TFLOP, {cost.bytes / 1e9:.0f} GB"


def write(text: str) -> None:
    """Replaces the table in docs/limits.md."""
    document = DOCUMENT.read_text()
    before, rest = document.split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write(section())
    else:
        print(section())
