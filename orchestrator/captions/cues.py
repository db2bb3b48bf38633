"""Captions on screen: lines, with the frames in which they show and in which each of their words is spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

from orchestrator.captions.breaking import MAX_CUE_S, MIN_CUE_S, Line, break_lines
from orchestrator.captions.layout import CaptionLayout
from orchestrator.captions.opportunities import jieba_words
from services.media.timeline import FRAME_RATE_HZ
from services.text.timing import SpokenTimes, SpokenWord
from services.text.tokens import protected_spans
from services.typography.cues import CueWord

MIN_CUE_FRAMES = round(MIN_CUE_S * FRAME_RATE_HZ)
MAX_CUE_FRAMES = round(MAX_CUE_S * FRAME_RATE_HZ)
JOINED_GAP_FRAMES = round(0.5 * FRAME_RATE_HZ)
"""A shorter gap between cues would flicker, so the first cue stays until the second one comes."""
MIN_GAP_FRAMES = 2


@dataclass(frozen=True)
class CueLine:
    """One line: `text` is what is shown, `source` what the sentence has at [char_start, char_end)."""

    text: str
    source: str
    char_start: int
    char_end: int
    words: tuple[CueWord, ...]


@dataclass(frozen=True)
class Cue:
    """A caption on screen for `frames` film frames."""

    first_film_frame: int
    frames: int
    lines: tuple[CueLine, ...]

    @property
    def end_film_frame(self) -> int:
        """Film frame just after it."""
        return self.first_film_frame + self.frames

    @property
    def text(self) -> str:
        """Its lines, separated by line feeds."""
        return "\n".join(line.text for line in self.lines)


def make_cues(
    sentence_text: str,
    words: Sequence[SpokenWord],
    first_film_frame: int,
    frames: int,
    sample_rate_hz: int,
    layout: CaptionLayout,
) -> list[Cue]:
    """Cues of one segment, in order, disjoint, all within film frames [first_film_frame, first_film_frame + frames).

    `words` count samples of the segment's voice, which starts at `first_film_frame`; without words the text is spread
    over the segment. The sources of all lines together make up `sentence_text`. A cue starts with the frame in which
    its first word starts. It ends with the frame in which its last word ends, or later: when the next cue is less than
    half a second away it stays until then, and when it would show for less than 0.8 s it stays up to that long as far
    as there is room. A segment with fewer frames than cues shows only the first cues.
    """
    times = SpokenTimes.of_words(sentence_text, words, sample_rate_hz, frames / FRAME_RATE_HZ)
    groups = _grouped(break_lines(sentence_text, layout, times))[:frames]
    spans = _spans(groups, times, frames)
    return [
        _cue(sentence_text, lines, first_film_frame, span, times, layout)
        for lines, span in zip(groups, spans, strict=True)
    ]


def _grouped(lines: list[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = []
    for line in lines:
        if line.joined:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _spans(groups: list[list[Line]], times: SpokenTimes, frames: int) -> list[tuple[int, int]]:
    """First and one-past-last frame of each cue, counted from the segment's first frame."""
    spoken = [times.of(lines[0].char_start, lines[-1].char_end) for lines in groups]
    starts = [int(first_s * FRAME_RATE_HZ + 1e-6) for first_s, _ in spoken]
    if starts and starts[0] <= MIN_GAP_FRAMES:
        starts[0] = 0
    starts = _apart(starts, frames)
    ends = []
    for start, following, (_, last_s) in zip(starts, [*starts[1:], frames], spoken, strict=True):
        end = min(max(ceil(last_s * FRAME_RATE_HZ - 1e-6), start + 1), following)
        if following - end < JOINED_GAP_FRAMES:
            end = following
        else:
            end = min(max(end, start + MIN_CUE_FRAMES), following - MIN_GAP_FRAMES)
        ends.append(end)
    return list(zip(starts, ends, strict=True))


def _apart(starts: list[int], frames: int) -> list[int]:
    """The starts, moved where several fall on one frame, so that each cue has at least one frame."""
    count = len(starts)
    moved: list[int] = []
    for index, start in enumerate(starts):
        least = moved[-1] + 1 if moved else 0
        moved.append(min(max(start, least), frames - count + index))
    return moved


def _cue(
    text: str,
    lines: list[Line],
    first_film_frame: int,
    span: tuple[int, int],
    times: SpokenTimes,
    layout: CaptionLayout,
) -> Cue:
    start, end = first_film_frame + span[0], first_film_frame + span[1]
    drawn = tuple(
        _line(text, line, (start, end), first_film_frame, times, layout.shown(text[line.char_start : line.char_end]))
        for line in lines
    )
    return Cue(start, end - start, drawn)


def _line(
    text: str, line: Line, span: tuple[int, int], first_film_frame: int, times: SpokenTimes, shown: str
) -> CueLine:
    source = text[line.char_start : line.char_end]
    offset = line.char_start + len(source) - len(source.lstrip())
    words = []
    for start, end in _spoken_units(text, line.char_start, line.char_end):
        first_s, last_s = times.of(start, end)
        first = first_film_frame + int(first_s * FRAME_RATE_HZ + 1e-6)
        last = first_film_frame + ceil(last_s * FRAME_RATE_HZ - 1e-6)
        words.append(CueWord(start - offset, end - offset, first, max(last, first + 1)))
    return CueLine(shown, source, line.char_start, line.char_end, tuple(_in_order(words, span)))


def _in_order(words: list[CueWord], span: tuple[int, int]) -> list[CueWord]:
    """The words clipped to the cue's frames and put in order; a word may be left without a frame of its own."""
    ordered: list[CueWord] = []
    for word in words:
        least = ordered[-1].end_film_frame if ordered else span[0]
        first = min(max(word.first_film_frame, least), span[1])
        end = min(max(word.end_film_frame, first), span[1])
        ordered.append(replace(word, first_film_frame=first, end_film_frame=end))
    return ordered


def _spoken_units(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """What is highlighted as one: protected tokens, and between them the words that jieba finds."""
    units = protected_spans(text[start:end])
    taken = {index for first, last in units for index in range(first, last)}
    for _, first, last in jieba_words(text[start:end]):
        left = [index for index in range(first, last) if index not in taken]
        if left:
            units.append((left[0], left[-1] + 1))
    spoken = [(start + first, start + last) for first, last in sorted(units)]
    return [unit for unit in spoken if any(character.isalnum() for character in text[slice(*unit)])]


def gaps(cues: Sequence[Cue]) -> list[int]:
    """Frames between the end of each cue and the start of the next one."""
    return [following.first_film_frame - cue.end_film_frame for cue, following in pairwise(cues)]
