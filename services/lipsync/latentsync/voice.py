"""The voice as it streams in: the last 30 s at 16 kHz, and what the encoder hears around a chunk of frames.

Published code cuts the whole file into pieces of 30 s that know nothing of each other, which is heard as a jump every
30 s. Here every chunk has a window of its own, which ends a fixed look-ahead after it and reaches back 30 s. It depends
on the voice and the chunk's position alone, not on how the samples arrived. After its end the voice is silent.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr
import torch
from numpy import float32, int16
from numpy.typing import NDArray
from torch import Tensor

from services.lipsync.latentsync.networks.whisper import SAMPLE_RATE_HZ, WINDOW_SAMPLES, WhisperEncoder
from services.lipsync.latentsync.windows import frame_windows
from services.media.timeline import frames_of, samples_per_frame

FRAME_SAMPLES = samples_per_frame(SAMPLE_RATE_HZ)


class Voice:
    """Samples of one segment's voice around the present chunk; older ones are forgotten."""

    def __init__(self, sample_rate_hz: int, look_ahead_frames: int) -> None:
        self._resampler = _Resampler(sample_rate_hz)
        self._sample_rate_hz = sample_rate_hz
        self._look_ahead_frames = look_ahead_frames
        self._kept: NDArray[float32] = np.zeros(0, float32)
        self._kept_from = 0  # 16 kHz sample number
        self._received = 0  # samples at the caller's rate
        self.ended = False

    @property
    def frames(self) -> int:
        """Film frames that the samples received so far fill, the last one perhaps in part."""
        return frames_of(self._received, self._sample_rate_hz)

    def feed(self, samples: NDArray[int16]) -> None:
        """Takes the next int16 mono samples, any number."""
        self._received += len(samples)
        self._keep(*self._resampler.blocks(samples))

    def end(self) -> None:
        """No more samples will come."""
        self._keep(self._resampler.rest())
        self.ended = True

    def covers(self, end_frame: int) -> bool:
        """Whether the window of a chunk that ends before `end_frame` is complete."""
        return self.ended or self._kept_from + len(self._kept) >= self._window(end_frame)[1]

    def tokens(self, encoder: WhisperEncoder, first_frame: int, frames: int, device: torch.device) -> Tensor:
        """Audio tokens (frames, tokens, dim) of the frames from `first_frame` on; call in rising order."""
        start, end = self._window(first_frame + frames)
        self._forget(start)
        samples = self._kept[: end - start]
        heard = np.concatenate((samples, np.zeros(end - start - len(samples), float32)))
        states = encoder.states(torch.from_numpy(heard).to(device))
        first = first_frame - start // FRAME_SAMPLES
        return frame_windows(states, range(first, first + frames))

    def _window(self, end_frame: int) -> tuple[int, int]:
        end = (end_frame + self._look_ahead_frames) * FRAME_SAMPLES
        return max(0, end - WINDOW_SAMPLES), end

    def _keep(self, *blocks: NDArray[float32]) -> None:
        self._kept = np.concatenate((self._kept, *blocks))

    def _forget(self, before: int) -> None:
        self._kept = self._kept[before - self._kept_from :]
        self._kept_from = before


class _Resampler:
    """int16 at any rate to float32 -1 ... 1 at 16 kHz, frame by frame, so that the caller's cuts leave no trace."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._frame_samples = samples_per_frame(sample_rate_hz)
        self._stream = (
            None
            if sample_rate_hz == SAMPLE_RATE_HZ
            else soxr.ResampleStream(sample_rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        )
        self._waiting: NDArray[int16] = np.zeros(0, int16)

    def blocks(self, samples: NDArray[int16]) -> Iterator[NDArray[float32]]:
        """What the next samples complete."""
        waiting = np.concatenate((self._waiting, samples))
        whole = len(waiting) // self._frame_samples * self._frame_samples
        self._waiting = waiting[whole:]
        for start in range(0, whole, self._frame_samples):
            yield self._resampled(waiting[start : start + self._frame_samples], last=False)

    def rest(self) -> NDArray[float32]:
        """What was held back."""
        return self._resampled(self._waiting, last=True)

    def _resampled(self, samples: NDArray[int16], *, last: bool) -> NDArray[float32]:
        scaled = samples.astype(float32) / float32(32768)
        if self._stream is None:
            return scaled
        resampled: NDArray[float32] = self._stream.resample_chunk(scaled, last=last)
        return resampled
