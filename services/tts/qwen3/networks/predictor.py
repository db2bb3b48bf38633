"""The code predictor: fifteen small steps that complete a frame, codebook by codebook."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from services.tts.qwen3.config import DecoderConfig
from services.tts.qwen3.networks.attention import Attention, Visible
from services.tts.qwen3.networks.decoder import Decoder, KvCache, Rotary, Step
from services.tts.qwen3.sampling import Sampling, draw


class PredictorModel(Decoder):
    """The decoder with one embedding table, as wide as the talker, for each codebook but the last."""

    def __init__(self, config: DecoderConfig, talker_size: int) -> None:
        super().__init__(config)
        self.codec_embedding = nn.ModuleList(
            nn.Embedding(config.vocab_size, talker_size) for _ in range(config.num_code_groups - 1)
        )


class CodePredictor(nn.Module):
    """Predicts codebooks 1 to 15 from the talker's hidden state and codebook 0."""

    def __init__(self, config: DecoderConfig, talker_size: int) -> None:
        super().__init__()
        self.model = PredictorModel(config, talker_size)
        self.lm_head = nn.ModuleList(
            nn.Linear(config.hidden_size, config.vocab_size, bias=False) for _ in range(config.num_code_groups - 1)
        )
        self.small_to_mtp_projection = (
            nn.Identity() if talker_size == config.hidden_size else nn.Linear(talker_size, config.hidden_size)
        )

    def complete(
        self, start: Tensor, noise: Tensor, sampling: Sampling, cache: KvCache, rotary: Rotary, attention: Attention
    ) -> Tensor:
        """Codes (rows, 15) of the frames that begin with `start`.

        `start` (rows, 2, talker size) is the talker's hidden state and the embedding of codebook 0; `noise`
        (rows, 15, codes) is what `sampling.draw` wants; `cache` has room for 16 positions and `rows` rows.
        """
        x, first = start, 0
        codes: list[Tensor] = []
        for group, head in enumerate(self.lm_head):
            if group:
                x = self.model.codec_embedding[group - 1](codes[-1])[:, None]
            last = group + 2
            place = slice(first, last)
            visible = Visible(last) if group else Visible()
            step = Step(place, rotary.at(place), cache, attention, visible, span=last if group else 0)
            hidden = self.model(self.small_to_mtp_projection(x), step)
            codes.append(draw(head(hidden[:, -1]).float(), noise[:, group], sampling))
            first = last
        return torch.stack(codes, dim=1)
