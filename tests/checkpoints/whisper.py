"""A tiny Whisper checkpoint as CTranslate2 converts it: a random transformers model, a tokenizer of single bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tests.checkpoints.manifest import describe

if TYPE_CHECKING:  # every run of pytest reads this file, and transformers takes ten seconds of a core
    from transformers import PreTrainedTokenizerFast, WhisperForConditionalGeneration

LANGUAGES = [code for code in _LANGUAGE_CODES if code != "yue"]
ALIGNMENT_HEADS = [[0, 1], [1, 0]]

_CONTROL = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
_TIMESTAMPS = 1501
_SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), *_CONTROL]


def write_whisper(folder: Path, *, seed: int = 0) -> Path:
    """Writes a whole checkpoint of 200 kB below `folder`, with its manifest, and returns it."""
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory() as original:
        tokenizer = _tokenizer()
        tokenizer.save_pretrained(original)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            _model(tokenizer).save_pretrained(original)
        TransformersConverter(original, copy_files=["tokenizer.json"]).convert(str(folder), force=True)
    return write_manifest(folder)


def write_manifest(folder: Path) -> Path:
    """Describes the files that lie in `folder`."""
    return describe(folder, name="faster-whisper-tiny", engine="whisper", version="tiny")


def _tokenizer() -> PreTrainedTokenizerFast:
    """GPT-2's 256 byte symbols without merges, then Whisper's special tokens in their order.

    The empty token is as released, and what CTranslate2 tells a multilingual model by.
    """
    from transformers import PreTrainedTokenizerFast

    symbols = [*sorted(pre_tokenizers.ByteLevel.alphabet()), ""]
    tokenizer = Tokenizer(models.BPE({symbol: number for number, symbol in enumerate(symbols)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in _SPECIAL])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>")


def _model(tokenizer: PreTrainedTokenizerFast) -> WhisperForConditionalGeneration:
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    ids = dict(zip(_SPECIAL, tokenizer.convert_tokens_to_ids(_SPECIAL), strict=True))
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=end + len(_SPECIAL) + _TIMESTAMPS,
        d_model=16,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        init_std=0.3,
    )
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():  # so that it says letters rather than timestamps
        model.model.decoder.embed_tokens.weight[256:] *= 0.1
    model.generation_config = GenerationConfig(
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=[],
        begin_suppress_tokens=[],
        alignment_heads=ALIGNMENT_HEADS,
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
    )
    return model
