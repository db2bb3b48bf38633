"""How fast Qwen3-TTS runs on a GPU: random weights of the real shapes, nothing but the networks and the loop.

    python -m tests.bench.gpu_qwen3                     1.7B: every attention, with and without graphs, 1 to 64 streams
    python -m tests.bench.gpu_qwen3 --size 0b6          the smaller model
    python -m tests.bench.gpu_qwen3 --streams 1,4       other numbers of streams
    python -m tests.bench.gpu_qwen3 --tiny              a toy on the CPU, to see that the bench works

Needs torch >= 2.11 and numpy; flash-attn is timed where it is installed. The least time is that of limits_qwen3.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from services.tts.qwen3.attention import Attention, eager, flash, sdpa
from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.codec_layers import CodecState
from services.tts.qwen3.config import CodecConfig, Qwen3Config
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.graphs import FrameGraphs
from services.tts.qwen3.prompt import Prompt
from services.tts.qwen3.talker import Talker
from tests.bench.limits_qwen3 import SPAN, codec_cost, frame_costs
from tests.checkpoints.qwen3_shapes import released_config, released_speech_config

Module = TypeVar("Module", bound=torch.nn.Module)

FRAME_MS = 80.0
PROMPT_POSITIONS = 300  # 10 s of reference, its transcript, a sentence, and some speech
TEXT_TOKENS = 40


@dataclass(frozen=True)
class Size:
    """What is timed: the released shapes on CUDA, or toys on the processor."""

    model: Qwen3Config
    codec: CodecConfig
    device: torch.device
    dtype: torch.dtype
    streams: tuple[int, ...]
    frames: int


def real(size: str, streams: tuple[int, ...]) -> Size:
    """The released shapes in bfloat16."""
    codec = released_speech_config().decoder
    return Size(released_config(size), codec, torch.device("cuda"), torch.bfloat16, streams, 40)


def tiny(streams: tuple[int, ...]) -> Size:
    """Two layers of everything, narrow."""
    released = released_config("0b6")
    narrow = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 8}
    talker = replace(released.talker, **narrow, text_vocab_size=64, text_hidden_size=32)
    model = replace(released, talker=talker, predictor=replace(released.predictor, **narrow))
    codec = replace(
        released_speech_config().decoder, hidden_size=32, latent_dim=32, num_hidden_layers=2, decoder_dim=32
    )
    return Size(model, codec, torch.device("cpu"), torch.float32, streams, 1)


class Bench:
    """Networks of one size, filled with noise once and used by every line."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.talker = self._filled(lambda: Talker(size.model.talker, size.model.predictor), size.dtype)
        self.codec = self._filled(lambda: CodecDecoder(size.codec), torch.float32)

    def _filled(self, build: Callable[[], Module], dtype: torch.dtype) -> Module:
        with torch.device("meta"):
            module = build()
        module = module.to_empty(device=self.size.device).to(dtype).requires_grad_(requires_grad=False)
        for parameter in module.parameters():
            parameter.normal_(std=0.02)
        return module.eval()

    def step(self, attention: Attention, rows: int) -> FrameStep:
        """A step whose rows have all read a prompt."""
        step = FrameStep(self.talker, self.size.model, attention, rows=rows, max_positions=SPAN)
        for row in range(rows):
            step.draw_noise(row, torch.Generator(self.size.device).manual_seed(row))
            step.prefill(row, self.prompt())
        return step

    def prompt(self) -> Prompt:
        """Noise of a prompt's size."""
        like = {"device": self.size.device, "dtype": self.size.dtype}
        hidden = self.size.model.talker.hidden_size
        return Prompt(
            torch.randn(PROMPT_POSITIONS, hidden, **like),
            torch.randn(TEXT_TOKENS, hidden, **like),
            torch.randn(hidden, **like),
        )

    def frame_ms(self, attention: Attention, rows: int, *, graphs: bool) -> float:
        """A frame of all rows, noise and copy to the host included."""
        step = self.step(attention, rows)
        run = FrameGraphs(step).run if graphs else step.run
        generators = [torch.Generator(self.size.device).manual_seed(row) for row in range(rows)]

        def frame() -> None:
            for row, generator in enumerate(generators):
                step.draw_noise(row, generator)
            run(rows)
            step.results()

        return self.milliseconds(frame)

    def first_audio_ms(self, attention: Attention, *, chunk: int) -> float:
        """From the prompt's embeddings to the samples of the first chunk on the host, graphs where there is CUDA."""
        step = self.step(attention, 1)
        run = FrameGraphs(step).run if self.size.device.type == "cuda" else step.run
        generator = torch.Generator(self.size.device).manual_seed(1)
        prompt = self.prompt()

        def first() -> None:
            step.draw_noise(0, generator)
            step.prefill(0, prompt)
            codes = [step.results()[0][0]]
            for _ in range(chunk - 1):
                step.draw_noise(0, generator)
                run(1)
                codes.append(step.results()[0][0])
            self.decode(torch.tensor([code.tolist() for code in codes])[None] % self.size.codec.codebook_size)

        return self.milliseconds(first)

    def decode(self, codes: torch.Tensor) -> None:
        """Codes on the host to samples on the host."""
        self.codec.decode(codes.to(self.size.device), CodecState()).cpu()

    def codec_ms(self, frames: int, streams: int) -> float:
        """A chunk of all streams, their window full."""
        shape = (streams, 72, self.size.codec.num_quantizers)
        codes = torch.randint(self.size.codec.codebook_size, shape, device=self.size.device)
        past = CodecState()
        self.codec.decode(codes, past)
        return self.milliseconds(lambda: self.codec.decode(codes[:, :frames], past.copy()))

    def milliseconds(self, call: Callable[[], object]) -> float:
        """Median of `frames` calls after three that do not count, each waited for."""
        times = []
        for index in range(self.size.frames + 3):
            self._wait()
            begun = time.perf_counter()
            call()
            self._wait()
            if index >= 3:
                times.append(time.perf_counter() - begun)
        return statistics.median(times) * 1e3

    def _wait(self) -> None:
        if self.size.device.type == "cuda":
            torch.cuda.synchronize()

    def memory_gb(self) -> float:
        """Most device memory so far."""
        return torch.cuda.max_memory_allocated() / 1e9 if self.size.device.type == "cuda" else 0.0


def kernels(device: torch.device) -> dict[str, Attention]:
    """Attentions that can run here."""
    found: dict[str, Attention] = {"eager": eager, "sdpa": sdpa}
    if device.type == "cuda" and importlib.util.find_spec("flash_attn"):
        found["flash_attention_2"] = flash
    return found


def report(bench: Bench) -> None:
    """Prints the tables."""
    size = bench.size
    cuda = size.device.type == "cuda"
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name() if cuda else 'CPU, toy sizes'}, {size.dtype}\n")
    print("| attention | loop | streams | ms a frame | x real time, all streams | least ms | reached |")
    print("|---|---|---|---|---|---|---|")
    loops = [("plain", False), *([("graphs", True)] if cuda else [])]
    lines = [(name, loop, 1) for name in kernels(size.device) for loop in loops]
    lines += [("sdpa", loops[-1], streams) for streams in size.streams if streams > 1]
    for name, (loop, graphs), streams in lines:
        took = bench.frame_ms(kernels(size.device)[name], streams, graphs=graphs)
        talker, predictor = frame_costs(size.model, streams)
        least = (talker + predictor).seconds * 1e3
        speed = streams * FRAME_MS / took
        print(
            f"| {name} | {loop} | {streams} | {took:.2f} | {speed:.1f} | {least:.2f} | {least / took:.0%} |", flush=True
        )
    print("\n| time to first audio | ms |\n|---|---|")
    for chunk in (1, 4):
        print(f"| {chunk} frames | {bench.first_audio_ms(sdpa, chunk=chunk):.1f} |", flush=True)
    print("\n| codec, float32 | streams | ms a chunk | x real time, all streams | least ms in 16 bit |")
    print("|---|---|---|---|---|")
    for frames, streams in ((1, 1), (2, 1), (4, 1), (8, 1), (8, 8)):
        took = bench.codec_ms(frames, streams)
        speed = streams * frames * FRAME_MS / took
        least = codec_cost(frames, streams).seconds * 1e3 if cuda else 0.0
        print(f"| {frames} frames | {streams} | {took:.2f} | {speed:.1f} | {least:.2f} |", flush=True)
    print(f"\nmost device memory: {bench.memory_gb():.2f} GB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("1b7", "0b6"), default="1b7")
    parser.add_argument("--streams", default="1,2,4,8,16,32,64")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    streams = tuple(int(number) for number in arguments.streams.split(","))
    torch.manual_seed(0)
    with torch.inference_mode():
        report(Bench(tiny(streams) if arguments.tiny else real(arguments.size, streams)))


if __name__ == "__main__":
    main()
