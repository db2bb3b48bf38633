"""The least work that a second of speech takes, from the real shapes on the meta device: no weights, no GPU.

    python -m tests.bench.limits_qwen3            prints the tables of docs/limits.md
    python -m tests.bench.limits_qwen3 --write    puts them there

How it is counted: limits_cost. A frame is 80 ms of speech.
"""

from __future__ import annotations

import torch

from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.config import CodecConfig, Qwen3Config
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.networks.attention import sdpa
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.networks.talker import Talker
from tests.bench.limits_cost import CARD, Cost, counted, header, main, row
from tests.checkpoints.qwen3_shapes import released_config, released_speech_config

FRAMES_PER_S = 12.5
SPAN = 512  # cached positions read: a reference of 10 s, a sentence, and 20 s of speech
CHUNK_FRAMES = 8
STREAMS = (1, 8, 64)


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


def codec_cost(frames: int = CHUNK_FRAMES, streams: int = 1, config: CodecConfig | None = None) -> Cost:
    """Decoding a chunk whose past fills the transformer's window."""
    with torch.device("meta"):
        decoder = CodecDecoder(config or released_speech_config().decoder)
        state = CodecState()
        decoder.decode(torch.empty(streams, 72, 16, dtype=torch.int64), state)
    with counted() as counter:
        decoder.decode(torch.empty(streams, frames, 16, dtype=torch.int64), state)
    return counter.cost


def section() -> str:
    """The tables of docs/limits.md."""
    lines = header(
        *("model", "streams", "talker, a frame", "code predictor, a frame", "a second of each stream"),
        *(f"least ms a frame, {CARD}", "speech s per s, all streams"),
    )
    for size, name in (("1b7", "1.7B"), ("0b6", "0.6B")):
        for streams in STREAMS:
            talker, predictor = frame_costs(released_config(size), streams)
            frame = talker + predictor
            words = map(_in_words, (talker, predictor, frame * (FRAMES_PER_S / streams)))
            least_s = frame.seconds()
            lines.append(row(name, streams, *words, f"{least_s * 1e3:.2f}", f"{streams / FRAMES_PER_S / least_s:.0f}"))
    lines += ["", *header("codec decoder", "chunk", "a second of speech", "least ms a chunk")]
    for frames in (1, CHUNK_FRAMES):
        cost = codec_cost(frames)
        words = map(_in_words, (cost, cost * (FRAMES_PER_S / frames)))
        lines.append(row(f"{frames} frames", *words, f"{cost.seconds() * 1e3:.2f}"))
    return "\n".join(lines)


def _in_words(cost: Cost) -> str:
    return f"{cost.flops / 1e9:.1f} GFLOP, {cost.bytes / 1e9:.2f} GB"


if __name__ == "__main__":
    main("qwen3", section)
