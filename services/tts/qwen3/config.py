"""The published `config.json` files as typed values. Unknown keys are ignored, a missing one is an error naming it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from services.base.errors import FailedPreconditionError

Values = TypeVar("Values")

_USE = "Use a published Qwen3-TTS 12 Hz folder."


@dataclass(frozen=True)
class DecoderConfig:
    """A Qwen3-style decoder: the part that talker and code predictor share."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int
    num_code_groups: int
    head_dim: int = 128
    rms_norm_eps: float = 1e-6
    rope_theta: float = 10_000.0


@dataclass(frozen=True)
class TalkerConfig(DecoderConfig):
    """The language model that writes codebook 0 of each frame, and the ids of its control tokens."""

    text_vocab_size: int = 151_936
    text_hidden_size: int = 2048
    codec_pad_id: int = 2148
    codec_bos_id: int = 2149
    codec_eos_token_id: int = 2150
    codec_think_id: int = 2154
    codec_nothink_id: int = 2155
    codec_think_bos_id: int = 2156
    codec_think_eos_id: int = 2157
    codec_language_id: Mapping[str, int] = field(default_factory=dict)
    spk_id: Mapping[str, int] = field(default_factory=dict)
    spk_is_dialect: Mapping[str, str | bool] = field(default_factory=dict)


@dataclass(frozen=True)
class SpeakerEncoderConfig:
    """The ECAPA-TDNN of the Base checkpoints."""

    mel_dim: int = 128
    enc_dim: int = 1024
    enc_channels: tuple[int, ...] = (512, 512, 512, 512, 1536)
    enc_kernel_sizes: tuple[int, ...] = (5, 3, 3, 3, 1)
    enc_dilations: tuple[int, ...] = (1, 2, 3, 4, 1)
    enc_attention_channels: int = 128
    enc_res2net_scale: int = 8
    enc_se_channels: int = 128


@dataclass(frozen=True)
class CodecConfig:
    """The decoder of `speech_tokenizer`; `decode_upsample_rate` is in samples a frame."""

    codebook_size: int
    codebook_dim: int
    hidden_size: int
    latent_dim: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    num_quantizers: int
    decoder_dim: int
    head_dim: int = 64
    sliding_window: int = 72
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10_000.0
    upsample_rates: tuple[int, ...] = (8, 5, 4, 3)
    upsampling_ratios: tuple[int, ...] = (2, 2)


@dataclass(frozen=True)
class SpeechTokenizerConfig:
    """`speech_tokenizer/config.json`; `encoder` stays as published, for transformers' MimiConfig."""

    decoder: CodecConfig
    encoder: Mapping[str, Any]
    encoder_quantizers: int
    sample_rate_hz: int
    samples_per_frame: int


@dataclass(frozen=True)
class Qwen3Config:
    """`config.json`: the model's kind ("base", "custom_voice", "voice_design"), size ("1b7", "0b6") and parts."""

    kind: str
    size: str
    talker: TalkerConfig
    predictor: DecoderConfig
    speaker_encoder: SpeakerEncoderConfig | None
    tts_pad_token_id: int
    tts_bos_token_id: int
    tts_eos_token_id: int


def read_config(folder: Path) -> Qwen3Config:
    """Reads `folder/config.json`. Raises FailedPreconditionError when it is not a Qwen3-TTS configuration."""
    values = read_json(folder / "config.json")
    talker = _section(values, "talker_config", folder)
    kind = values.get("tts_model_type", "")
    if kind not in ("base", "custom_voice", "voice_design"):
        problem = f"{folder / 'config.json'} has tts_model_type {kind!r}."
        raise _refused(problem, "Use a Base, CustomVoice or VoiceDesign checkpoint.")
    speaker = _section(values, "speaker_encoder_config", folder) if kind == "base" else None
    return Qwen3Config(
        kind=kind,
        size=str(values.get("tts_model_size", "")),
        talker=_parsed(TalkerConfig, talker, _TALKER_DEFAULTS),
        predictor=_parsed(DecoderConfig, _section(talker, "code_predictor_config", folder), _PREDICTOR_DEFAULTS),
        speaker_encoder=None if speaker is None else _parsed(SpeakerEncoderConfig, speaker, {}),
        tts_pad_token_id=int(values.get("tts_pad_token_id", 151_671)),
        tts_bos_token_id=int(values.get("tts_bos_token_id", 151_672)),
        tts_eos_token_id=int(values.get("tts_eos_token_id", 151_673)),
    )


def read_speech_tokenizer_config(folder: Path) -> SpeechTokenizerConfig:
    """Reads `folder/config.json` of the codec. Raises FailedPreconditionError when it is not a 12 Hz tokenizer."""
    values = read_json(folder / "config.json")
    return SpeechTokenizerConfig(
        decoder=_parsed(CodecConfig, _section(values, "decoder_config", folder), _CODEC_DEFAULTS),
        encoder=_section(values, "encoder_config", folder),
        encoder_quantizers=int(values.get("encoder_valid_num_quantizers", 16)),
        sample_rate_hz=int(values.get("output_sample_rate", 24_000)),
        samples_per_frame=int(values.get("decode_upsample_rate", 1920)),
    )


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object. Raises FailedPreconditionError naming the file when it is missing or broken."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problem = f"{path} cannot be read ({type(error).__name__})."
        raise _refused(problem, "Pull the checkpoint again.") from error
    if not isinstance(values, dict):
        raise _refused(f"{path} is not a JSON object.", "Pull the checkpoint again.")
    return values


def _section(values: Mapping[str, Any], name: str, folder: Path) -> Mapping[str, Any]:
    section = values.get(name)
    if not isinstance(section, dict):
        raise _refused(f"The configuration in {folder} has no {name}.", _USE)
    return section


def _parsed(kind: type[Values], said: Mapping[str, Any], unsaid: Mapping[str, Any]) -> Values:
    values = {**unsaid, **{name: value for name, value in said.items() if value is not None}}
    if "num_attention_heads" in values and "hidden_size" in values:
        values.setdefault("head_dim", values["hidden_size"] // values["num_attention_heads"])
    known = {}
    for entry in fields(kind):  # type: ignore[arg-type]
        if entry.name in values:
            value = values[entry.name]
            known[entry.name] = tuple(value) if isinstance(value, list) else value
        elif entry.default is MISSING and entry.default_factory is MISSING:
            raise _refused(f"The configuration has no {entry.name}.", _USE)
    return kind(**known)


def _refused(problem: str, remedy: str) -> FailedPreconditionError:
    from services.enginekit.checkpoints import refused  # imports pydantic, which the bare networks do not need

    return refused("CHECKPOINT_INVALID", problem, remedy)


# Published files omit keys that equal the defaults of the classes that wrote them (qwen-tts 0.1.1). These are those
# defaults, not the values of the released checkpoints.
_PREDICTOR_DEFAULTS: Mapping[str, Any] = {
    "vocab_size": 2048,
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 5,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "num_code_groups": 32,
}
_TALKER_DEFAULTS: Mapping[str, Any] = {
    "vocab_size": 3072,
    "hidden_size": 1024,
    "intermediate_size": 2048,
    "num_hidden_layers": 20,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "num_code_groups": 32,
    "codec_pad_id": 4196,
    "codec_bos_id": 4197,
    "codec_eos_token_id": 4198,
    "codec_think_id": 4202,
    "codec_nothink_id": 4203,
    "codec_think_bos_id": 4204,
    "codec_think_eos_id": 4205,
}
_CODEC_DEFAULTS: Mapping[str, Any] = {
    "codebook_size": 2048,
    "hidden_size": 1024,
    "latent_dim": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 8,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "num_quantizers": 16,
    "decoder_dim": 1536,
}
