"""A tiny Qwen3-TTS checkpoint in the published folder layout: 0.4 M parameters, filled by rule, nothing downloaded.

Every value is a function of its tensor's name and shape, so any implementation with the right names has the same
weights; `tests/golden/qwen3` holds numbers that the published package computed from this folder.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from services.tts.qwen3.config import read_config, read_speech_tokenizer_config
from services.tts.qwen3.weights import Qwen3Model, SpeechTokenizer
from tests.checkpoints.manifest import describe

CODES = 64
"""Entries of each codebook; ids above are control tokens, as in the released checkpoints."""

EOS = CODES + 2
KINDS = ("base", "custom_voice", "voice_design")

_WAVE_SCALE = 0.4  # snakes add power: this keeps the wave within [-1, 1] and rounding errors small

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>")
_WORDS = ("assistant", "user")


def make_checkpoint(folder: Path, kind: str = "base", *, talkative: bool = False) -> Path:
    """Writes the folder and returns it. A talkative voice never ends by itself; the others do within some seconds."""
    speech = folder / "speech_tokenizer"
    speech.mkdir(parents=True)
    _write_tokenizer(folder)
    _write(folder / "config.json", model_config(kind))
    _write(folder / "generation_config.json", _GENERATION)
    _write(folder / "preprocessor_config.json", {"processor_class": "Qwen3TTSProcessor"})
    _write(speech / "config.json", speech_config())
    _write(speech / "preprocessor_config.json", _FEATURES)
    with torch.device("meta"):
        model = Qwen3Model(read_config(folder))
        codec = SpeechTokenizer(read_speech_tokenizer_config(speech))
    weights = filled(model)
    if talkative:
        weights["talker.codec_head.weight"] *= 30
        weights["talker.codec_head.weight"][EOS] = 0
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    save_file(filled(codec), speech / "model.safetensors", {"format": "pt"})
    return folder


def write_manifest(folder: Path) -> Path:
    """Describes the files that lie in `folder`, for checks of their sizes and hashes."""
    return describe(folder, name="tiny", engine="qwen3")


def filled(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state dict of `module` with every tensor drawn by the rule of `fill`."""
    return {name: torch.from_numpy(fill(name, tuple(tensor.shape))) for name, tensor in module.state_dict().items()}


def fill(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values of the tensor `name`: normal noise seeded by the name's CRC-32, scaled so that signals keep their size."""
    noise = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).standard_normal(shape, dtype=np.float32)
    if name.endswith("initialized"):
        return np.ones(shape, np.float32)
    if name.endswith("cluster_usage"):
        return 1 + 0.1 * np.abs(noise)
    if len(shape) > 1:
        scale = 1.0 if name.endswith(("embedding_sum", "embed_sum")) else float(np.prod(shape[1:])) ** -0.5
        return noise * np.float32(scale * (_WAVE_SCALE if name.startswith("decoder.decoder.") else 1.0))
    if name.endswith(("weight", "gamma", "scale")):
        return 1 + np.float32(0.02) * noise
    return np.float32(0.1) * noise


def model_config(kind: str) -> dict[str, Any]:
    """`config.json` of the root."""
    speakers = {"vivian": CODES + 20, "eric": CODES + 21} if kind == "custom_voice" else {}
    dialects = {"vivian": False, "eric": "sichuan_dialect"} if speakers else {}
    talker = _TALKER | {"code_predictor_config": dict(_PREDICTOR), "spk_id": speakers, "spk_is_dialect": dialects}
    config = _ROOT | {"tts_model_type": kind, "talker_config": talker}
    return config | {"speaker_encoder_config": dict(_SPEAKER)} if kind == "base" else config


def speech_config() -> dict[str, Any]:
    """`speech_tokenizer/config.json`: real rates, so a frame is 1920 samples; tiny widths."""
    return {
        "model_type": "qwen3_tts_tokenizer_12hz",
        "encoder_valid_num_quantizers": 16,
        "input_sample_rate": 24_000,
        "output_sample_rate": 24_000,
        "decode_upsample_rate": 1920,
        "encode_downsample_rate": 1920,
        "encoder_config": dict(_MIMI),
        "decoder_config": dict(_DECODER),
    }


def _write_tokenizer(folder: Path) -> None:
    """The 256 byte symbols of GPT-2 without merges; special tokens and role names are single ids above them."""
    from transformers.models.gpt2.tokenization_gpt2 import bytes_to_unicode

    _write(folder / "vocab.json", {symbol: index for index, symbol in enumerate(bytes_to_unicode().values())})
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    added = {
        str(256 + index): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token in _SPECIAL,
        }
        for index, token in enumerate((*_SPECIAL, *_WORDS))
    }
    config = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": added,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "bos_token": None,
        "add_prefix_space": False,
        "model_max_length": 131_072,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
    }
    _write(folder / "tokenizer_config.json", config)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


_GENERATION = {
    "do_sample": True,
    "temperature": 0.9,
    "top_p": 1.0,
    "top_k": 50,
    "repetition_penalty": 1.05,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.9,
    "subtalker_top_p": 1.0,
    "subtalker_top_k": 50,
    "max_new_tokens": 8192,
}
_FEATURES = {
    "feature_extractor_type": "EncodecFeatureExtractor",
    "feature_size": 1,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": 24_000,
    "chunk_length_s": None,
    "overlap": None,
}
_ROOT = {
    "architectures": ["Qwen3TTSForConditionalGeneration"],
    "model_type": "qwen3_tts",
    "tokenizer_type": "qwen3_tts_tokenizer_12hz",
    "tts_model_size": "1b7",
    "im_start_token_id": 257,
    "im_end_token_id": 258,
    "tts_pad_token_id": 259,
    "tts_bos_token_id": 260,
    "tts_eos_token_id": 261,
    "assistant_token_id": 262,
}
_LAYERS = {
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "num_hidden_layers": 2,
    "head_dim": 16,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "rope_theta": 1_000_000,
    "num_code_groups": 16,
    "attention_bias": False,
}
_PREDICTOR = _LAYERS | {
    "model_type": "qwen3_tts_talker_code_predictor",
    "hidden_size": 16,
    "intermediate_size": 32,
    "vocab_size": CODES,
}
_TALKER = _LAYERS | {
    "model_type": "qwen3_tts_talker",
    "hidden_size": 32,
    "intermediate_size": 64,
    "vocab_size": CODES + 1024,
    "text_vocab_size": 264,
    "text_hidden_size": 24,
    "rope_scaling": {"interleaved": True, "mrope_section": [4, 2, 2], "rope_type": "default", "type": "default"},
    "max_position_embeddings": 32_768,
    "codec_pad_id": CODES,
    "codec_bos_id": CODES + 1,
    "codec_eos_token_id": EOS,
    "codec_think_id": CODES + 4,
    "codec_nothink_id": CODES + 5,
    "codec_think_bos_id": CODES + 6,
    "codec_think_eos_id": CODES + 7,
    "codec_language_id": {"chinese": CODES + 11, "english": CODES + 12, "sichuan_dialect": CODES + 13},
}
_SPEAKER = {
    "enc_dim": 32,
    "enc_channels": [16, 16, 16, 16, 48],
    "enc_kernel_sizes": [5, 3, 3, 3, 1],
    "enc_dilations": [1, 2, 3, 4, 1],
    "enc_attention_channels": 8,
    "enc_res2net_scale": 4,
    "enc_se_channels": 8,
    "mel_dim": 128,
    "sample_rate": 24_000,
}
_MIMI = {
    "model_type": "mimi",
    "sampling_rate": 24_000,
    "audio_channels": 1,
    "num_filters": 4,
    "hidden_size": 32,
    "num_residual_layers": 1,
    "upsampling_ratios": [8, 6, 5, 4],
    "kernel_size": 7,
    "last_kernel_size": 3,
    "residual_kernel_size": 3,
    "dilation_growth_rate": 2,
    "use_causal_conv": True,
    "pad_mode": "constant",
    "compress": 2,
    "codebook_size": CODES,
    "codebook_dim": 16,
    "vector_quantization_hidden_dimension": 16,
    "num_quantizers": 32,
    "num_semantic_quantizers": 1,
    "upsample_groups": 32,
    "num_hidden_layers": 1,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "sliding_window": 250,
    "use_streaming": False,
    "frame_rate": 12.5,
}
_DECODER = {
    "codebook_size": CODES,
    "codebook_dim": 32,
    "hidden_size": 32,
    "latent_dim": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "sliding_window": 72,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000,
    "num_quantizers": 16,
    "decoder_dim": 32,
    "upsample_rates": [8, 5, 4, 3],
    "upsampling_ratios": [2, 2],
    "layer_scale_initial_scale": 0.01,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "hidden_act": "silu",
    "max_position_embeddings": 8000,
}
