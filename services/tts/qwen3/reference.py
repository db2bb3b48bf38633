"""Reference recordings: read, encoded once, remembered by the hash of recording and transcript."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import float32
from numpy.typing import NDArray

from services.base.errors import InvalidInputError
from services.media.confinement.task import Limits
from services.media.sandbox import run_limited
from services.tts.qwen3.networks.codec_layers import CodecState
from services.tts.qwen3.prompt import Reference

SHORTEST_S, LONGEST_S = 1.0, 60.0
FIELD = "reference_audio"
_LIMITS = Limits(wall_s=60.0, cpu_s=60, memory_bytes=3 << 30, written_bytes=32 << 20)
_QUIETEST = 10 ** (-60 / 20)  # peak, full scale is 1: nobody speaks below it
_REMEMBERED = 32  # voices; each holds a vector, a few hundred frames and the codec's past


@dataclass(frozen=True)
class ClonedVoice:
    """A reference as the talker takes it, and the codec's state after it, from which the take continues."""

    reference: Reference
    codec_past: CodecState


class ClonedVoices:
    """Makes each voice once. `encode` gets mono samples at 24 kHz and the transcript, "" without one."""

    def __init__(self, encode: Callable[[NDArray[float32], str], ClonedVoice], sample_rate_hz: int) -> None:
        self._encode = encode
        self._sample_rate_hz = sample_rate_hz
        self._voices: OrderedDict[str, ClonedVoice] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, recording: Path, transcript: str) -> ClonedVoice:
        """The voice of `recording`. Raises InvalidInputError when it cannot be read, or is too short or too long."""
        with recording.open("rb") as file:
            key = hashlib.file_digest(file, "sha256").hexdigest() + transcript
        with self._lock:
            voice = self._voices.get(key) or self._encode(self._read(recording), transcript)
            self._voices[key] = voice
            self._voices.move_to_end(key)
            if len(self._voices) > _REMEMBERED:
                self._voices.popitem(last=False)
        return voice

    def _read(self, recording: Path) -> NDArray[float32]:
        samples = self._decoded(recording)
        length_s = len(samples) / self._sample_rate_hz
        if not SHORTEST_S <= length_s <= LONGEST_S:
            raise InvalidInputError(
                f"The reference lasts {'more than ' if length_s > LONGEST_S else ''}{min(length_s, LONGEST_S):.1f} s.",
                f"Give {SHORTEST_S:g} to {LONGEST_S:g} s; 10 s of one clear voice is best.",
                FIELD,
            )
        if np.abs(samples).max() < _QUIETEST:
            raise InvalidInputError(
                "The reference is silent.", "Give a recording in which the voice speaks.", FIELD, "SILENT"
            )
        return samples

    def _decoded(self, recording: Path) -> NDArray[float32]:
        """In a child: who calls has sent the recording, and may not be known."""
        with tempfile.NamedTemporaryFile() as file:
            target = Path(file.name)
            arguments = (recording, target, FIELD, self._sample_rate_hz, LONGEST_S + 1)
            run_limited(
                "services.media.recording:write_samples",
                *arguments,
                returns=int,
                reads=(recording,),
                writes=(target,),
                field=FIELD,
                limits=_LIMITS,
            )
            return np.fromfile(target, float32)
