"""Pauses for any engine: what lies between them is spoken by itself, and silence is put between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy import int16

from services.text.languages import language_by_script
from services.text.words import says_something
from services.tts.engine import Event, Finish, FinishReason, Speech, Synthesis, WordMark

Speak = Callable[[Synthesis], Generator[Event]]


def with_pauses(request: Synthesis, sample_rate_hz: int, speak: Speak) -> Generator[Event]:
    """Events of `request`, whose stretches between pauses are spoken by `speak`, each as a request without pauses.

    Word marks count in the whole text and the whole speech. The one Finish has the first reason that is not the end of
    the text, else that. A text without words goes to `speak` as it is, to be refused there.
    """
    if not says_something(request.text):
        yield from speak(replace(request, pauses=()))
        return
    samples, reason = 0, FinishReason.END_OF_TEXT
    for start, part in _stretches(request):
        first = samples
        for event in _spoken(part, speak):
            match event:
                case Finish():
                    reason = event.reason if reason is FinishReason.END_OF_TEXT else reason
                case WordMark():
                    yield WordMark(event.char_start + start, event.char_end + start, event.start_sample + first)
                case Speech():
                    samples += len(event.pcm)
                    yield event
        silence = round(sum(pause.duration_s for pause in part.pauses) * sample_rate_hz)
        if silence:
            samples += silence
            yield Speech(np.zeros(silence, int16))
    yield Finish(reason)


def _spoken(part: Synthesis, speak: Speak) -> Generator[Event]:
    if says_something(part.text):
        with closing(speak(replace(part, pauses=()))) as events:
            yield from events


def _stretches(request: Synthesis) -> Iterator[tuple[int, Synthesis]]:
    """Each stretch with the place where it starts; its `pauses` are those at its end."""
    edges = [0, *sorted({len(request.text), *(pause.char for pause in request.pauses)})]
    for start, end in pairwise(edges):
        text = request.text[start:end]
        yield (
            start,
            replace(
                request,
                text=text,
                language=_language(text, request),
                pronunciations=tuple(
                    replace(said, char_start=said.char_start - start, char_end=said.char_end - start)
                    for said in request.pronunciations
                    if start <= said.char_start < end
                ),
                pauses=tuple(replace(pause, char=end - start) for pause in request.pauses if pause.char == end),
            ),
        )


def _language(text: str, request: Synthesis) -> str:
    """A stretch without letters ("3.5%") is in the language of the whole text."""
    return request.language or ("" if any(map(str.isalpha, text)) else language_by_script(request.text))
