"""One loaded checkpoint, and how a request becomes a take of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy import float32
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.enginekit.cuda import CudaGraphs
from services.enginekit.progress import Progress
from services.tts.qwen3.config import Qwen3Config, SpeechTokenizerConfig, read_json
from services.tts.qwen3.frame import FrameStep
from services.tts.qwen3.loop import FrameLoop
from services.tts.qwen3.networks.attention import choose_attention
from services.tts.qwen3.networks.codec_encoder import encode
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.networks.graphs import FrameGraphs
from services.tts.qwen3.networks.kernels import settle_kernels
from services.tts.qwen3.options import Qwen3Options, torch_dtype
from services.tts.qwen3.prompt import PromptBuilder, Reference
from services.tts.qwen3.reference import ClonedVoice
from services.tts.qwen3.sampling import Sampling
from services.tts.qwen3.speak import SilenceStop, Speaker
from services.tts.qwen3.tokenizer import Tokenizer
from services.tts.qwen3.weights import Qwen3Model, SpeechTokenizer, load, tensor_count

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModel:
    """Everything that speaks: text to ids, ids to a prompt, prompt to frames, frames to samples."""

    config: Qwen3Config
    codec_config: SpeechTokenizerConfig
    model: Qwen3Model
    codec: SpeechTokenizer
    tokenizer: Tokenizer
    prompts: PromptBuilder
    loop: FrameLoop
    speaker: Speaker
    attention: str

    def clone(self, samples: NDArray[float32], transcript: str, tail_s: float) -> ClonedVoice:
        """The voice of mono `samples` at 24 kHz; with a transcript its manner too, else its timbre only."""
        assert self.model.speaker_encoder is not None
        vector = self.model.speaker_encoder.vector(samples)
        past = CodecState()
        if not transcript:
            return ClonedVoice(Reference(vector), past)
        tail = np.zeros(int(tail_s * self.codec_config.sample_rate_hz), float32)
        codes = encode(
            self.codec.encoder,
            np.concatenate((samples, tail)),
            self.codec_config.encoder_quantizers,
            self.codec_config.samples_per_frame,
        )
        self.codec.decoder.decode(codes[None], past)
        return ClonedVoice(Reference(vector, codes, self.tokenizer.transcript(transcript)), past)


def load_model(
    folder: Path,
    config: Qwen3Config,
    codec_config: SpeechTokenizerConfig,
    options: Qwen3Options,
    device: torch.device,
    progress: Progress,
) -> LoadedModel:
    """Loads `folder` in phases that count tensors and graphs. Raises FailedPreconditionError or InvalidInputError."""
    dtype, codec_dtype = torch_dtype(options.dtype, device), torch_dtype(options.codec_dtype, device)
    settle_kernels()
    attention_name, attention = choose_attention(options.attention, device, dtype)
    codec_folder = folder / "speech_tokenizer"
    progress.phase("load-talker", tensor_count(folder))
    model = load(lambda: Qwen3Model(config), folder, device, dtype, progress.advance)
    progress.phase("load-codec", tensor_count(codec_folder))
    codec = load(lambda: SpeechTokenizer(codec_config), codec_folder, device, codec_dtype, progress.advance)
    progress.phase("load-tokenizer", 1)
    tokenizer = Tokenizer(folder, device)
    progress.advance()
    published = read_json(folder / "generation_config.json")
    step = FrameStep(
        model.talker,
        config,
        attention,
        rows=options.streams,
        max_positions=options.max_positions,
        sampling=samplings(published, options),
    )
    loop = FrameLoop(step, _graphs(step, options, device, progress))
    silence = silence_stop(options, codec_config)
    speaker = Speaker(codec.decoder, options.chunk_frames, silence)
    _warm_up(speaker, config, options, progress)
    prompts = PromptBuilder(model.talker, config)
    return LoadedModel(config, codec_config, model, codec, tokenizer, prompts, loop, speaker, attention_name)


def _warm_up(speaker: Speaker, config: Qwen3Config, options: Qwen3Options, progress: Progress) -> None:
    """Decodes a chunk of each size, so that no caller waits while the device chooses its convolutions."""
    sizes = sorted(set(options.chunk_frames))
    progress.phase("warm-up", len(sizes))
    for frames in sizes:
        speaker.decode(np.zeros((frames, config.talker.num_code_groups), np.int64), CodecState())
        progress.advance()


def silence_stop(options: Qwen3Options, codec: SpeechTokenizerConfig) -> SilenceStop:
    """When a take that has fallen silent is ended."""
    frame_s = codec.samples_per_frame / codec.sample_rate_hz
    return SilenceStop.after(options.silence_s, options.silence_dbfs, frame_s)


def samplings(published: Mapping[str, object], options: Qwen3Options) -> tuple[Sampling, Sampling]:
    """How talker and predictor sample: generation_config.json, overridden by what the operator set."""
    set_by_operator = options.model_dump(
        include={"temperature", "top_k", "top_p", "repetition_penalty"}, exclude_none=True
    )
    subtalker = {f"subtalker_{name}": value for name, value in set_by_operator.items()}
    values = {**published, **set_by_operator, **subtalker}
    return Sampling.of_talker(values), Sampling.of_predictor(values)


def _graphs(
    step: FrameStep, options: Qwen3Options, device: torch.device, progress: Progress
) -> Callable[[int], None] | None:
    if options.graphs == "on" and device.type != "cuda":
        raise InvalidInputError(f"There are no CUDA graphs on {device}.", "Use auto or off.", "options.graphs")
    if options.graphs == "off" or device.type != "cuda":
        _LOG.info("CUDA graphs: off (%s)", "by setting" if device.type == "cuda" else device.type)
        return None
    progress.phase("capture-graphs", FrameGraphs.count(step))
    return FrameGraphs(step, CudaGraphs(device).record, progress).run
