"""A take made audible: frames decoded in growing chunks, stopped when the voice has fallen silent."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy import int16, int64
from numpy.typing import NDArray

from services.base.errors import InternalError
from services.tts.engine import FinishReason
from services.tts.qwen3.codec import CodecDecoder
from services.tts.qwen3.loop import Take, chunks
from services.tts.qwen3.networks.codec_layers import CodecState

Pcm = NDArray[int16]
_FULL_SCALE = 32767.0


@dataclass(frozen=True)
class SilenceStop:
    """Ends a take after `frames` frames below `level` (root mean square, 1 = full scale); 0 frames: never."""

    frames: int
    level: float

    @staticmethod
    def after(seconds: float, level_dbfs: float, frame_s: float) -> SilenceStop:
        """The rule in the operator's units."""
        return SilenceStop(round(seconds / frame_s), 10 ** (level_dbfs / 20))


class Speaker:
    """Decodes takes of one codec."""

    def __init__(self, decoder: CodecDecoder, chunk_frames: Sequence[int], silence: SilenceStop) -> None:
        self._decoder = decoder
        self._chunk_frames = chunk_frames
        self._silence = silence
        self._device = decoder.pre_conv.conv.weight.device

    def decode(self, codes: NDArray[int64], state: CodecState) -> Pcm:
        """Samples (frames * 1920,) of `codes` (frames, 16). Raises InternalError when they are not finite."""
        wave = self._decoder.decode(torch.from_numpy(codes).to(self._device)[None], state)[0]
        if not bool(wave.isfinite().all()):
            raise InternalError("The codec computed invalid samples.", reason="INVALID_NUMBERS")
        return (wave.float() * _FULL_SCALE).round().to(torch.int16).cpu().numpy()

    def speak(self, take: Take, state: CodecState) -> Generator[Pcm, None, FinishReason]:
        """Samples as they are made; returns why the take ended.

        Silence is held back until sound follows it or the text ends, so a take that dies away ends where its sound did.
        """
        held: list[Pcm] = []
        for codes in chunks(take, self._chunk_frames):
            ready: list[Pcm] = []
            for frame in np.split(self.decode(codes, state), len(codes)):
                held.append(frame)
                if self._sounds(frame):
                    ready += held
                    held = []
                elif len(held) == self._silence.frames:
                    break
            if ready:
                yield np.concatenate(ready)
            if held and len(held) == self._silence.frames:
                return FinishReason.SILENCE
        if held:
            yield np.concatenate(held)
        assert take.reason is not None
        return take.reason

    def _sounds(self, frame: Pcm) -> bool:
        return float(np.sqrt(np.mean((frame / _FULL_SCALE) ** 2))) >= self._silence.level
