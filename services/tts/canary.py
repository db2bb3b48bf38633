"""The canary of the voice: a word, which must be heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from services.enginekit.canary import Canary
from services.text.languages import primary_subtag
from services.tts.engine import Finish, Speech, Synthesis

_WORDS = {"en": "Yes.", "zh": "好。"}
_FIGURE = "1"  # every language has a word for it
_SILENT = 33  # of 32,767: -60 dB of full scale


def _request(attributes: Mapping[str, Any], attempt: int) -> Synthesis:
    """In a language of the first voice, with another seed at each try: a model may have a bad take, not three."""
    languages = [primary_subtag(tag) for voice in attributes["voices"][:1] for tag in voice.languages]
    known = [language for language in languages if language in _WORDS]
    return Synthesis(_WORDS[known[0]], known[0], seed=attempt) if known else Synthesis(_FIGURE, seed=attempt)


def _wrong(events: Sequence[object]) -> str:
    if not isinstance(events[-1] if events else None, Finish):
        return "The voice did not say that it had ended."
    loudest = max(
        (int(np.abs(event.pcm.astype(np.int32)).max(initial=0)) for event in events if isinstance(event, Speech)),
        default=0,
    )
    return "" if loudest > _SILENT else "The voice said nothing that can be heard."


CANARY = Canary("synthesize", _request, _wrong)
