"""The talker: a language model that hears text and codec frames added together and writes codebook 0 of each frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from services.tts.qwen3.config import DecoderConfig, TalkerConfig
from services.tts.qwen3.networks.decoder import Decoder
from services.tts.qwen3.networks.predictor import CodePredictor


class TalkerModel(Decoder):
    """The decoder with its two embedding tables."""

    def __init__(self, config: TalkerConfig) -> None:
        super().__init__(config)
        self.codec_embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.text_embedding = nn.Embedding(config.text_vocab_size, config.text_hidden_size)


class TextProjection(nn.Module):
    """Two-layer network from the width of the text embedding to the talker's."""

    def __init__(self, config: TalkerConfig) -> None:
        super().__init__()
        self.linear_fc1 = nn.Linear(config.text_hidden_size, config.text_hidden_size)
        self.linear_fc2 = nn.Linear(config.text_hidden_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        """(..., text_hidden_size) to (..., hidden_size)."""
        return torch.as_tensor(self.linear_fc2(functional.silu(self.linear_fc1(x))))


class Talker(nn.Module):
    """Talker and code predictor, as the published checkpoints nest them."""

    def __init__(self, config: TalkerConfig, predictor: DecoderConfig) -> None:
        super().__init__()
        self.model = TalkerModel(config)
        self.text_projection = TextProjection(config)
        self.codec_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.code_predictor = CodePredictor(predictor, config.hidden_size)

    def embed_text(self, ids: Tensor) -> Tensor:
        """Text ids (tokens,) to (tokens, hidden_size)."""
        return torch.as_tensor(self.text_projection(self.model.text_embedding(ids)))

    def embed_frames(self, codes: Tensor) -> Tensor:
        """Frames (..., 16) of codes to their summed embeddings (..., hidden_size)."""
        total = self.model.codec_embedding(codes[..., 0])
        for group, table in enumerate(self.code_predictor.model.codec_embedding, start=1):
            total = total + table(codes[..., group])
        return torch.as_tensor(total)
