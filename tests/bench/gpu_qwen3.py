"""How fast Qwen3-TTS runs: random weights of the real shapes, nothing but the networks and the frame step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch

from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.config import CodecConfig, Qwen3Config
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.networks.attention import choose_attention
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.networks.graphs import FrameGraphs
from services.tts.qwen3.networks.kernels import settle_kernels
from services.tts.qwen3.networks.talker import Talker
from services.tts.qwen3.prompt import Prompt
from tests.bench.gpu_machine import Machine
from tests.bench.gpu_report import Report
from tests.bench.limits_qwen3 import SPAN, codec_cost, frame_costs
from tests.checkpoints.qwen3_shapes import released_config, released_speech_config

Module = TypeVar("Module", bound=torch.nn.Module)

BENCH = "Qwen3-TTS 1.7B"
FRAME_S = 0.08
PROMPT_POSITIONS = 300  # 10 s of reference, its transcript, a sentence, and some speech
TEXT_TOKENS = 40
WINDOW_FRAMES = 72  # of the codec
_AROUND_ONE = ("weight", "usage", "scale", "gamma")


@dataclass(frozen=True)
class Size:
    """What is timed: the released shapes, or toys."""

    model: Qwen3Config
    codec: CodecConfig
    dtype: torch.dtype
    streams: tuple[int, ...]


REAL = Size(released_config("1b7"), released_speech_config().decoder, torch.bfloat16, streams=(1, 2, 4, 8, 16, 32, 64))


def tiny() -> Size:
    """Two narrow layers of everything."""
    narrow = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "head_dim": 8}
    talker = replace(REAL.model.talker, **narrow, text_vocab_size=64, text_hidden_size=32)
    model = replace(REAL.model, talker=talker, predictor=replace(REAL.model.predictor, **narrow))
    codec = replace(REAL.codec, hidden_size=32, latent_dim=32, num_hidden_layers=2, decoder_dim=32)
    return Size(model, codec, torch.float32, streams=(1, 2))


class VoiceBench:
    """Networks of one size, filled with noise once and used by every case."""

    def __init__(self, machine: Machine, size: Size) -> None:
        self.machine, self.size, self._others = machine, size, machine.reserved()
        settle_kernels()
        self._talker = self._filled(lambda: Talker(size.model.talker, size.model.predictor), size.dtype)
        self._codec = self._filled(lambda: CodecDecoder(size.codec), torch.float32)

    def _filled(self, build: Callable[[], Module], dtype: torch.dtype) -> Module:
        with torch.device("meta"):
            module = build()
        module = module.to(dtype).to_empty(device=self.machine.device).requires_grad_(requires_grad=False)
        for name, parameter in module.named_parameters():
            if parameter.dim() > 1:
                scale = 0.4 if name.startswith("decoder.") else 1.0  # snakes add power
                parameter.normal_(std=scale * parameter[0].numel() ** -0.5)
            else:
                parameter.normal_(mean=name.endswith(_AROUND_ONE), std=0.02)
        return module.eval()

    def frame(self, attention: str, streams: int, *, graphs: bool) -> str:
        """A frame of all streams, noise and copy to the host included."""
        with self.machine.peak(self._others) as peak:
            took_s = self.machine.timed(self.speaking(attention, streams, 1, graphs=graphs)).median_s
        talker, predictor = frame_costs(self.size.model, streams)
        least_s = self.machine.least_s(talker + predictor)
        return (
            f"{took_s * 1e3:.2f} ms a frame, {streams * FRAME_S / took_s:.1f} x real time, "
            f"least {least_s * 1e3:.2f} ms: {least_s / took_s:.0%} reached; {peak()}"
        )

    def speaking(self, attention: str, streams: int, frames: int, *, graphs: bool) -> Callable[[], None]:
        """Something that makes the next `frames` frames; forgets them when the cache is full."""
        step, run = self._step(attention, streams, graphs=graphs)
        generators = [torch.Generator(self.machine.device).manual_seed(row) for row in range(streams)]

        def speak() -> None:
            if step._lengths[0] + frames >= SPAN:
                step._lengths = [PROMPT_POSITIONS] * streams
                step.state.position.fill_(PROMPT_POSITIONS)
            for _ in range(frames):
                for row, generator in enumerate(generators):
                    step.draw_noise(row, generator)
                run(streams)
                step.results()

        return speak

    def first_audio(self, chunk: int) -> str:
        """From the prompt's embeddings to the samples of the first chunk on the host, with graphs."""
        step, run = self._step("sdpa", 1, graphs=True)
        generator, prompt = torch.Generator(self.machine.device).manual_seed(1), self._prompt()

        def first() -> None:
            step.draw_noise(0, generator)
            step.prefill(0, prompt)
            codes = [step.results()[0][0]]
            for _ in range(chunk - 1):
                step.draw_noise(0, generator)
                run(1)
                codes.append(step.results()[0][0])
            self.decode(torch.tensor([code.tolist() for code in codes])[None] % self.size.codec.codebook_size)

        return f"{self.machine.timed(first).median_s * 1e3:.1f} ms"

    def graphs_against_plain(self, streams: int = 2, frames: int = 16) -> str:
        """Whether graphs draw the codes that the plain loop draws, from the same prompts and seeds."""
        found = []
        for graphs in (True, False):
            torch.manual_seed(0)
            step, run = self._step("sdpa", streams, graphs=graphs)
            generators = [torch.Generator(self.machine.device).manual_seed(row) for row in range(streams)]
            made = []
            for _ in range(frames):
                for row, generator in enumerate(generators):
                    step.draw_noise(row, generator)
                run(streams)
                made.append(step.results()[0])
            found.append(made)
        equal = sum(bool((ours == theirs).all()) for ours, theirs in zip(*found, strict=True))
        return f"{equal} of {frames} frames equal, {streams} streams"

    def chunks_against_whole(self) -> str:
        """How far the codec's samples in growing chunks are from those of one piece."""
        shape = (1, WINDOW_FRAMES, self.size.codec.num_quantizers)
        codes = torch.randint(self.size.codec.codebook_size, shape, device=self.machine.device)
        whole, past = self._codec.decode(codes, CodecState()), CodecState()
        chunks = [self._codec.decode(part, past) for part in codes.split((1, 2, 4, *(8,) * 8, 1), dim=1)]
        off = (torch.cat(chunks, dim=1) - whole).abs().max() / whole.abs().max()
        return f"the largest difference is {off:.1e} of the largest sample"

    def decode(self, codes: torch.Tensor) -> None:
        """Codes on the host to samples on the host."""
        self._codec.decode(codes.to(self.machine.device), CodecState()).cpu()

    def codec(self, frames: int, streams: int) -> str:
        """A chunk of all streams."""
        took_s = self.machine.timed(self.decoding(frames, streams)).median_s
        least_s = self.machine.least_s(codec_cost(frames, streams, self.size.codec))
        speed = streams * frames * FRAME_S / took_s
        return f"{took_s * 1e3:.2f} ms, {speed:.1f} x real time, least {least_s * 1e3:.2f} ms in 16 bit"

    def decoding(self, frames: int, streams: int) -> Callable[[], object]:
        """Something that decodes a chunk of all streams, their window full."""
        shape = (streams, WINDOW_FRAMES, self.size.codec.num_quantizers)
        codes, past = torch.randint(self.size.codec.codebook_size, shape, device=self.machine.device), CodecState()
        self._codec.decode(codes, past)
        return lambda: self._codec.decode(codes[:, :frames], past.copy())

    def _step(self, attention: str, rows: int, *, graphs: bool) -> tuple[FrameStep, Callable[[int], None]]:
        """A step whose rows have all read a prompt, and what makes its next frame."""
        _, kernel = choose_attention(attention, self.machine.device, self.size.dtype)
        step = FrameStep(self._talker, self.size.model, kernel, rows=rows, max_positions=SPAN)
        run = FrameGraphs(step, self.machine.recorder()).run if graphs else step.run
        for row in range(rows):
            step.draw_noise(row, torch.Generator(self.machine.device).manual_seed(row))
            step.prefill(row, self._prompt())
        return step, run

    def _prompt(self) -> Prompt:
        like = {"device": self.machine.device, "dtype": self.size.dtype}
        hidden = self.size.model.talker.hidden_size
        return Prompt(
            torch.randn(PROMPT_POSITIONS, hidden, **like),
            torch.randn(TEXT_TOKENS, hidden, **like),
            torch.randn(hidden, **like),
        )


def cases(report: Report, bench: VoiceBench) -> None:
    """Every attention and loop for one stream, then time to first audio, more streams, and the codec."""
    for attention in ("sdpa", "eager", "flash_attention_2"):
        for loop, graphs in (("graphs", True), ("plain", False)):
            report.case(
                BENCH, f"{attention}, {loop}, 1 stream", lambda a=attention, g=graphs: bench.frame(a, 1, graphs=g)
            )
    report.case(BENCH, "graphs against plain", bench.graphs_against_plain)
    for chunk in (1, 4):
        report.case(BENCH, f"first audio, chunk of {chunk}", lambda c=chunk: bench.first_audio(c))
    for streams in bench.size.streams[1:]:
        report.case(BENCH, f"sdpa, graphs, {streams} streams", lambda s=streams: bench.frame("sdpa", s, graphs=True))
    for frames, streams in ((8, 1), (8, 8), (4, 1), (2, 1), (1, 1)):
        name = f"codec in float32, chunk of {frames}, {streams} streams"
        report.case(BENCH, name, lambda f=frames, s=streams: bench.codec(f, s))
    report.case(BENCH, "codec, chunks against whole", bench.chunks_against_whole)
