import json

import pytest

from services.base.errors import FailedPreconditionError
from services.tts.qwen3.config import read_config, read_speech_tokenizer_config
from tests.checkpoints.qwen3 import model_config, speech_config


def test_what_a_file_leaves_out_is_what_its_writer_assumed(tmp_path):
    """Published files are written as differences from their classes' defaults."""
    config = model_config("base")
    for name in ("vocab_size", "codec_pad_id", "head_dim"):
        del config["talker_config"][name]
    for name in ("hidden_size", "num_key_value_heads", "head_dim"):
        del config["talker_config"]["code_predictor_config"][name]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found = read_config(tmp_path)
    assert (found.talker.vocab_size, found.talker.codec_pad_id, found.talker.head_dim) == (3072, 4196, 16)
    assert (found.predictor.hidden_size, found.predictor.num_key_value_heads, found.predictor.head_dim) == (
        1024,
        8,
        128,
    )
    assert found.talker.rope_theta == 1_000_000
    assert found.speaker_encoder.enc_channels == (16, 16, 16, 16, 48)


def test_codec(tmp_path):
    config = speech_config()
    for name in ("latent_dim", "sliding_window"):
        del config["decoder_config"][name]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    found = read_speech_tokenizer_config(tmp_path)
    assert (found.decoder.latent_dim, found.decoder.sliding_window, found.decoder.head_dim) == (1024, 72, 16)
    del config["decoder_config"]["codebook_dim"]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(FailedPreconditionError, match="codebook_dim"):
        read_speech_tokenizer_config(tmp_path)


def test_other_kinds_of_model(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps(model_config("base") | {"tts_model_type": "song"}), encoding="utf-8"
    )
    with pytest.raises(FailedPreconditionError, match="song"):
        read_config(tmp_path)
