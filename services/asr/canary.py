"""The canary of the listener: three words in a recording, which must be found in their order and inside it."""

from __future__ import annotations

import wave
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy import int16
from numpy.typing import NDArray

from services.asr.engine import Alignment, Word
from services.enginekit.canary import Canary

_RECORDING = Path(__file__).parents[2] / "assets" / "canary" / "one-two-three.wav"
_TEXT = "One, two, three."
_WORDS = ["One", "two", "three"]


@cache
def _recorded() -> tuple[NDArray[int16], int]:
    """Samples (int16 mono) and their rate in Hz."""
    with wave.open(str(_RECORDING)) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2"), reader.getframerate()


def _request(_attributes: Mapping[str, Any], _attempt: int) -> Alignment:
    return Alignment(_TEXT, _recorded()[1], "en")


def _wrong(events: Sequence[object]) -> str:
    words = [event for event in events if isinstance(event, Word)]
    if [_TEXT[word.char_start : word.char_end] for word in words] != _WORDS:
        return f"{_TEXT!r} was aligned as {[word.text for word in words]}."
    edges = [edge for word in words for edge in (word.start_sample, word.end_sample)]
    whole = edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= len(_recorded()[0])
    return "" if whole and edges[0] < edges[-1] else f"The words are at samples {edges} of {len(_recorded()[0])}."


CANARY = Canary("align", _request, _wrong, lambda: [_recorded()[0]])
