"""The shapes of the released Qwen3-TTS checkpoints, for benches and for counting their parameters."""

from __future__ import annotations

from services.tts.qwen3.config import (
    CodecConfig,
    DecoderConfig,
    Qwen3Config,
    SpeakerEncoderConfig,
    SpeechTokenizerConfig,
    TalkerConfig,
)


def released_config(size: str = "1b7") -> Qwen3Config:
    """The shapes of the released Base checkpoint of `size`, "1b7" or "0b6"."""
    wide = size == "1b7"
    decoder = {"num_attention_heads": 16, "num_key_value_heads": 8, "num_code_groups": 16, "rope_theta": 1e6}
    talker = TalkerConfig(
        hidden_size=2048 if wide else 1024,
        intermediate_size=6144 if wide else 3072,
        num_hidden_layers=28,
        vocab_size=3072,
        codec_language_id={"chinese": 2055, "english": 2050},
        **decoder,
    )
    predictor = DecoderConfig(hidden_size=1024, intermediate_size=3072, num_hidden_layers=5, vocab_size=2048, **decoder)
    speaker = SpeakerEncoderConfig(enc_dim=talker.hidden_size)
    return Qwen3Config("base", size, talker, predictor, speaker, 151_671, 151_672, 151_673)


def released_speech_config() -> SpeechTokenizerConfig:
    """The shapes of the released 12 Hz codec; its encoder is a Mimi of the default sizes."""
    decoder = CodecConfig(
        codebook_size=2048,
        codebook_dim=512,
        hidden_size=512,
        latent_dim=1024,
        intermediate_size=1024,
        num_hidden_layers=8,
        num_attention_heads=16,
        num_key_value_heads=16,
        num_quantizers=16,
        decoder_dim=1536,
    )
    return SpeechTokenizerConfig(decoder, {}, 16, 24_000, 1920)
