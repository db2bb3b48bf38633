"""Whisper's tokens as it says them: stretches of text between marks of time, in steps of 20 ms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

STEP_SAMPLES = 320
"""20 ms at 16 kHz, the grid of the marks and of the cross-attention."""

_MARGIN = 15  # steps; speech does not begin so late in a window


@dataclass
class Stretch:
    """Text tokens said from step `start` of the window on, up to `end`; None where no mark ends them."""

    start: int
    tokens: list[int] = field(default_factory=list)
    end: int | None = None


def stretches_within(ids: Sequence[int], first_mark: int, samples: int) -> list[Stretch]:
    """The stretches that begin within a window of `samples` samples; `first_mark` is the token of time 0.

    A stretch that begins behind the window is not said: Whisper repeats itself there.
    """
    latest = samples // STEP_SAMPLES - _MARGIN
    return [
        stretch for number, stretch in enumerate(_stretches(ids, first_mark)) if not number or stretch.start < latest
    ]


def _stretches(ids: Sequence[int], first_mark: int) -> Iterator[Stretch]:
    stretch = Stretch(0)
    for token in ids:
        if token < first_mark:
            stretch.tokens.append(token)
            continue
        mark = token - first_mark
        if stretch.tokens:
            stretch.end = mark
            yield stretch
        stretch = Stretch(mark)
    if stretch.tokens:
        yield stretch
