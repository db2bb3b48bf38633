"""What the talker hears before its first frame: role, language, speaker, then text and sound added together.

Layouts as in the published generation code: https://github.com/QwenLM/Qwen3-TTS, `Qwen3TTSForConditionalGeneration`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from services.tts.qwen3.config import Qwen3Config
from services.tts.qwen3.networks.talker import Talker

_ROLE_TOKENS = 3  # <|im_start|>, assistant, newline
_CLOSING_TOKENS = 5  # <|im_end|>, newline and the next role


@dataclass(frozen=True)
class Prompt:
    """`embeddings` (positions, hidden) are read at once; `text` (tokens, hidden) one a frame, then `pad` (hidden,)."""

    embeddings: Tensor
    text: Tensor
    pad: Tensor

    @property
    def positions(self) -> int:
        """Cache positions the prompt takes."""
        return self.embeddings.shape[0]


@dataclass(frozen=True)
class Reference:
    """A recorded voice: `speaker` vector (hidden,) and, with its transcript's ids, the `codes` (frames, 16)."""

    speaker: Tensor
    codes: Tensor | None = None
    text_ids: Tensor | None = None


@dataclass(frozen=True)
class Request:
    """What is to be said: ids in the chat layout (see `Tokenizer`), ids of language and speaker where there are any."""

    text_ids: Tensor
    language_id: int | None = None
    speaker_id: int | None = None
    reference: Reference | None = None
    instruction_ids: Tensor | None = None


class PromptBuilder:
    """Lays out requests for one talker."""

    def __init__(self, talker: Talker, config: Qwen3Config) -> None:
        self._talker = talker
        self._config = config.talker
        self._special_ids = (config.tts_bos_token_id, config.tts_eos_token_id, config.tts_pad_token_id)

    @torch.inference_mode()
    def build(self, request: Request, *, text_in_prefill: bool) -> Prompt:
        """The prompt of `request`. The published default reads all text first, except when it clones a voice."""
        bos, eos, pad = self._talker.embed_text(self._ids(*self._special_ids))
        control = self._control(request)
        spoken = request.text_ids[_ROLE_TOKENS:-_CLOSING_TOKENS]
        parts = [self._talker.embed_text(request.text_ids[:_ROLE_TOKENS])]
        if request.instruction_ids is not None:
            parts.insert(0, self._talker.embed_text(request.instruction_ids))
        parts.append(torch.cat((pad.expand(len(control) - 1, -1), bos[None])) + control)
        reference = request.reference
        if reference is not None and reference.codes is not None and reference.text_ids is not None:
            text = torch.cat((reference.text_ids, spoken))
            codec = torch.cat((self._codec(self._config.codec_bos_id), self._talker.embed_frames(reference.codes)))
        else:
            text, codec = spoken, self._codec(self._config.codec_bos_id)
        words = torch.cat((self._talker.embed_text(text), eos[None]))
        if text_in_prefill:
            parts += [words + self._codec(self._config.codec_pad_id), codec + pad]
            return Prompt(torch.cat(parts), words[:0], pad)
        beside = torch.cat((words[: len(codec)], pad.expand(max(0, len(codec) - len(words)), -1)))
        return Prompt(torch.cat((*parts, beside + codec)), words[len(codec) :], pad)

    def _control(self, request: Request) -> Tensor:
        """Language, speaker and a pad, (4 to 6, hidden)."""
        config = self._config
        begin, end = config.codec_think_bos_id, config.codec_think_eos_id
        language = request.language_id
        tags = (
            [config.codec_nothink_id, begin, end] if language is None else [config.codec_think_id, begin, language, end]
        )
        parts = [self._codec(*tags)]
        if request.reference is not None:
            parts.append(request.reference.speaker[None].to(parts[0].dtype))
        elif request.speaker_id is not None:
            parts.append(self._codec(request.speaker_id))
        return torch.cat((*parts, self._codec(config.codec_pad_id)))

    def _codec(self, *ids: int) -> Tensor:
        return torch.as_tensor(self._talker.model.codec_embedding(self._ids(*ids)))

    def _ids(self, *ids: int) -> Tensor:
        return torch.tensor(ids, device=self._talker.codec_head.weight.device)
