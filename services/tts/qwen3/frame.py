"""One frame for every row: talker step, codebook 0, code predictor, sum of the embeddings; all on the device.

The step reads and writes tensors that stay where they are, so that the same function is the plain loop and the body of
a CUDA graph.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy import int64
from numpy.typing import NDArray
from torch import Tensor

from services.base.errors import InvalidInputError
from services.tts.qwen3.config import Qwen3Config
from services.tts.qwen3.networks.attention import Attention, Visible
from services.tts.qwen3.networks.decoder import KvCache, Step, rotary_tables
from services.tts.qwen3.networks.talker import Talker
from services.tts.qwen3.prompt import Prompt
from services.tts.qwen3.sampling import Sampling, draw, penalise_repetition

SMALLEST_SPAN = 256
CONTROL_IDS = 1024  # rows of the codec embedding above the codebook: control, speaker and language ids
_MIN_FRAMES = 2  # the published generation code allows no end token before that


@dataclass(frozen=True)
class Rows:
    """What a row remembers between frames; the first dimension is the row."""

    embedding: Tensor  # (rows, hidden) of the last frame
    text: Tensor  # (rows, text positions, hidden) still to be added, then a pad
    text_length: Tensor  # (rows,) int64, index of that pad
    position: Tensor  # (rows,) int64, where the next frame goes
    frames: Tensor  # (rows,) int64, frames made
    seen: Tensor  # (rows, codes) bool, codes of codebook 0 already used
    noise: Tensor  # (rows, codes + 15 * predictor codes) float32
    codes: Tensor  # (rows, 16) int64, the last frame
    finite: Tensor  # (rows,) bool

    def first(self, rows: int) -> Rows:
        """Views of the first `rows` rows."""
        return Rows(*(getattr(self, entry.name)[:rows] for entry in fields(self)))

    def tensors(self) -> list[Tensor]:
        """All of them."""
        return [getattr(self, entry.name) for entry in fields(self)]


class FrameStep:
    """Advances rows by one frame; `sampling` is the talker's and the predictor's. Not thread-safe."""

    def __init__(
        self,
        talker: Talker,
        config: Qwen3Config,
        attention: Attention,
        *,
        rows: int = 1,
        max_positions: int = 2048,
        max_text: int = 1024,
        sampling: tuple[Sampling, Sampling] = (Sampling(), Sampling(repetition_penalty=1.0)),
    ) -> None:
        weight = talker.codec_head.weight
        device, dtype = weight.device, weight.dtype
        self.device, self.rows, self.max_positions = device, rows, max_positions
        self.end_id = config.talker.codec_eos_token_id
        self.attention = attention
        self._talker = talker
        self._sampling, self._predictor_sampling = sampling
        self._lengths = [0] * rows  # `state.position` on the host, known without waiting for the device
        self._groups, self._predictor_codes = config.predictor.num_code_groups, config.predictor.vocab_size
        talker_config, predictor_config = config.talker, config.predictor
        self._cache = KvCache.empty(talker_config, rows, max_positions, device, dtype)
        self._predictor_cache = KvCache.empty(predictor_config, rows, self._groups, device, dtype)
        self._rotary = rotary_tables(talker_config.head_dim, talker_config.rope_theta, max_positions, device, dtype)
        self._predictor_rotary = rotary_tables(
            predictor_config.head_dim, predictor_config.rope_theta, self._groups, device, dtype
        )
        codes = talker_config.vocab_size
        self._ends = torch.arange(codes, device=device) == self.end_id
        self._forbidden = (torch.arange(codes, device=device) >= codes - CONTROL_IDS) & ~self._ends
        self.state = self._empty_state(talker_config.hidden_size, codes, max_text, dtype)

    def _empty_state(self, hidden: int, codes: int, max_text: int, dtype: torch.dtype) -> Rows:
        noise = codes + (self._groups - 1) * self._predictor_codes

        def zeros(*shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
            return torch.zeros(self.rows, *shape, dtype=dtype, device=self.device)

        return Rows(
            embedding=zeros(hidden, dtype=dtype),
            text=zeros(max_text + 1, hidden, dtype=dtype),
            text_length=zeros(),
            position=zeros(),
            frames=zeros(),
            seen=zeros(codes, dtype=torch.bool),
            noise=zeros(noise, dtype=torch.float32).add_(1.0),
            codes=zeros(self._groups),
            finite=zeros(dtype=torch.bool),
        )

    @torch.inference_mode()
    def draw_noise(self, row: int, generator: torch.Generator) -> None:
        """Fills a row's noise for its next frame; call once a frame."""
        self.state.noise[row].exponential_(generator=generator)

    @torch.inference_mode()
    def prefill(self, row: int, prompt: Prompt) -> None:
        """Reads `prompt` into `row` and makes its first frame. Raises InvalidInputError when the text is too long."""
        state = Rows(*(tensor[row : row + 1] for tensor in self.state.tensors()))
        text = prompt.text
        if len(text) >= state.text.shape[1]:
            raise InvalidInputError(
                f"The text has {len(text)} tokens; {state.text.shape[1] - 1} fit.",
                "Split it into sentences.",
                "text",
                "TEXT_TOO_LONG",
            )
        state.text[0, : len(text)], state.text[0, len(text)] = text, prompt.pad
        state.text_length[0], state.position[0], state.frames[0] = len(text), prompt.positions, 0
        state.seen.zero_()
        place = slice(0, prompt.positions)
        cache = self._cache.rows(row, row + 1)
        step = Step(place, self._rotary.at(place), cache, self.attention, Visible())
        hidden = self._talker.model(prompt.embeddings[None], step)
        self._lengths[row] = prompt.positions
        self._choose(state, hidden[:, -1:], self._predictor_cache.rows(row, row + 1))

    @torch.inference_mode()
    def run(self, rows: int) -> None:
        """Makes the next frame of the first `rows` rows."""
        self.frame(rows, self.span(rows))
        self.count_frame(rows)

    def span(self, rows: int) -> int:
        """Cached positions to read for the first `rows` rows: the smallest bucket that holds the longest."""
        longest = max(self._lengths[:rows]) + 1
        return next(span for span in self.spans() if span >= longest)

    def count_frame(self, rows: int) -> None:
        """Notes that the first `rows` rows have grown by one position."""
        self._lengths[:rows] = [length + 1 for length in self._lengths[:rows]]

    def spans(self) -> list[int]:
        """The buckets: 256, 512, 1024 ... max_positions. Plain loop and graphs share them, so they round alike."""
        powers = []
        span = SMALLEST_SPAN
        while span < self.max_positions:
            powers.append(span)
            span *= 2
        return [*powers, self.max_positions]

    def frame(self, rows: int, span: int) -> None:
        """The step itself: device work only, no copy to the host, nothing that depends on values."""
        state = self.state.first(rows)
        cache = self._cache.rows(0, rows)
        text = state.text[cache.row, torch.minimum(state.frames - 1, state.text_length)]
        rotary = self._rotary.at(state.position)
        visible = Visible.up_to(state.position, span)
        step = Step(state.position, rotary, cache, self.attention, visible, span)
        hidden = self._talker.model((state.embedding + text)[:, None], step)
        self._choose(state, hidden, self._predictor_cache.rows(0, rows))
        state.position.add_(1).clamp_(max=self.max_positions - 1)  # unused rows run along in a graph

    def _choose(self, state: Rows, hidden: Tensor, cache: KvCache) -> None:
        """Codes of one frame from the talker's `hidden` (rows, 1, hidden). State changes last: a step can be redone."""
        logits = self._talker.codec_head(hidden[:, -1]).float()
        first = draw(self._allowed(logits, state), state.noise[:, : logits.shape[-1]], self._sampling)
        start = torch.cat((hidden, self._talker.model.codec_embedding(first)[:, None]), dim=1)
        noise = state.noise[:, logits.shape[-1] :].reshape(len(logits), self._groups - 1, self._predictor_codes)
        rest = self._talker.code_predictor.complete(
            start, noise, self._predictor_sampling, cache, self._predictor_rotary, self.attention
        )
        codes = torch.cat((first[:, None], rest), dim=1)
        embedding = self._talker.embed_frames(codes)
        state.finite.copy_(logits.isfinite().all(-1))
        state.codes.copy_(codes)
        state.embedding.copy_(embedding)
        state.seen.scatter_(1, first[:, None], value=True)
        state.frames.add_(1)

    def _allowed(self, logits: Tensor, state: Rows) -> Tensor:
        logits = penalise_repetition(logits, state.seen, self._sampling.repetition_penalty)
        too_early = self._ends & (state.frames < _MIN_FRAMES)[:, None]
        return logits.masked_fill(self._forbidden | too_early, float("-inf"))

    def results(self) -> tuple[NDArray[int64], NDArray[np.bool_]]:
        """The last frame of all rows, (rows, 16), and whether its logits were finite, (rows,); waits for the device."""
        both = torch.cat((self.state.codes, self.state.finite[:, None].long()), dim=1).cpu().numpy()
        return both[:, :-1], both[:, -1].astype(bool)

    @torch.inference_mode()
    def move(self, source: int, target: int) -> None:
        """Copies a row over another, whose own past may be longer and hold invalid numbers."""
        length = max(self._lengths[source], self._lengths[target])
        self._lengths[target] = self._lengths[source]
        for tensor in self.state.tensors():
            tensor[target] = tensor[source]
        for cache in (self._cache.keys, self._cache.values):
            cache[:, target, :length] = cache[:, source, :length]

    @torch.inference_mode()
    def clear(self, row: int) -> None:
        """Zeroes a row, so that NaN and infinity do not outlive their take."""
        for tensor in self.state.tensors():
            tensor[row].zero_()
        for cache in (self._cache.keys, self._cache.values, self._predictor_cache.keys, self._predictor_cache.values):
            cache[:, row, : max(self._lengths[row], self._groups)].zero_()
        self._lengths[row] = 0
