"""The least work that a second of speech takes, from the real shapes on the meta device: no weights, no GPU.

    python -m tests.bench.limits_qwen3            prints the tables of docs/limits.md
    python -m tests.bench.limits_qwen3 --write    puts them there

Counted are the products (linear layers, convolutions, attention), a multiply-add as two. Bytes are what they read and
write in 16-bit numbers: weights once a call, inputs and outputs once. A frame is 80 ms of speech.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own abbreviation
from torch import Tensor
from torch.overrides import TorchFunctionMode

from services.tts.qwen3.attention import sdpa
from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.codec_layers import CodecState
from services.tts.qwen3.config import Qwen3Config
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.talker import Talker
from tests.checkpoints.qwen3_shapes import released_config, released_speech_config

FRAMES_PER_S = 12.5
SPAN = 512  # cached positions read: a reference of 10 s, a sentence, and 20 s of speech
CHUNK_FRAMES = 8
STREAMS = (1, 8, 64)
DOCUMENT = Path(__file__).parents[2] / "docs" / "limits.md"
BEGIN, END = "<!-- qwen3 -->", "<!-- /qwen3 -->"
CARD, CARD_FLOPS, CARD_BYTES_PER_S = "H200 SXM", 989e12, 4.8e12  # NVIDIA's data sheet: dense BF16, memory bandwidth


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
        if function in {F.linear, torch.conv1d}:
            self._add(2 * result.numel() * args[1][0].numel(), (*args[:3], result))
        elif function is torch.conv_transpose1d:
            self._add(2 * args[0].numel() * args[1][0].numel(), (*args[:3], result))
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


def frame_costs(config: Qwen3Config, streams: int, span: int = SPAN) -> tuple[Cost, Cost]:
    """One frame of all streams together: the talker's part and the code predictor's."""
    with torch.device("meta"):
        talker = Talker(config.talker, config.predictor)
    step = FrameStep(talker, config, sdpa, rows=streams, max_positions=span)
    with counted() as whole:
        step.frame(streams, span)
    with counted() as predictor:
        start = torch.empty(streams, 2, config.talker.hidden_size)
        noise = torch.empty(streams, config.predictor.num_code_groups - 1, config.predictor.vocab_size)
        talker.code_predictor.complete(
            start, noise, step._predictor_sampling, step._predictor_cache, step._predictor_rotary, sdpa
        )
    return whole.cost + predictor.cost * -1, predictor.cost


def codec_cost(frames: int = CHUNK_FRAMES, streams: int = 1) -> Cost:
    """Decoding a chunk whose past fills the transformer's window."""
    with torch.device("meta"):
        decoder = CodecDecoder(released_speech_config().decoder)
        state = CodecState()
        decoder.decode(torch.empty(streams, 72, 16, dtype=torch.int64), state)
    with counted() as counter:
        decoder.decode(torch.empty(streams, frames, 16, dtype=torch.int64), state)
    return counter.cost


def section() -> str:
    """The tables of docs/limits.md."""
    lines = [
        f"| model | streams | talker, a frame | code predictor, a frame | a second of each stream | "
        f"least ms a frame, {CARD} | speech s per s, all streams |",
        "|---|---|---|---|---|---|---|",
    ]
    for size, name in (("1b7", "1.7B"), ("0b6", "0.6B")):
        for streams in STREAMS:
            talker, predictor = frame_costs(released_config(size), streams)
            frame = talker + predictor
            second = frame * (FRAMES_PER_S / streams)
            speed = streams / FRAMES_PER_S / frame.seconds
            cells = (_in_words(talker), _in_words(predictor), _in_words(second), f"{frame.seconds * 1e3:.2f}")
            lines.append(f"| {name} | {streams} | {' | '.join(cells)} | {speed:.0f} |")
    lines += [
        "",
        "| codec decoder | chunk | a second of speech | least ms a chunk |",
        "|---|---|---|---|",
    ]
    for frames in (1, CHUNK_FRAMES):
        cost = codec_cost(frames)
        second = _in_words(cost * (FRAMES_PER_S / frames))
        lines.append(f"| {frames} frames | {_in_words(cost)} | {second} | {cost.seconds * 1e3:.2f} |")
    return "\n".join(lines)


def _in_words(cost: Cost) -> str:
    return f"{cost.flops / 1e9:.1f} GFLOP, {cost.bytes / 1e9:.2f} GB"


def write(text: str) -> None:
    """Replaces the tables in docs/limits.md."""
    document = DOCUMENT.read_text()
    before, rest = document.split(BEGIN)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    if "--write" in sys.argv:
        write(section())
    else:
        print(section())
