"""Silence between what an engine says, whatever the engine."""

from collections.abc import Generator
from itertools import pairwise

import numpy as np
import pytest

from services.text.pauses import Pause
from services.text.pronunciation import Pronunciation, ReadingKind
from services.tts.engine import Event, Finish, FinishReason, Speech, Synthesis, WordMark
from services.tts.pauses import with_pauses

RATE_HZ = 1_000


class Speaker:
    """Says a hundred samples a character, each the number of the character; keeps what it was asked."""

    def __init__(self, *reasons: FinishReason) -> None:
        self.asked: list[Synthesis] = []
        self.closed = 0
        self._reasons = iter(reasons)

    def speak(self, request: Synthesis) -> Generator[Event]:
        self.asked.append(request)
        try:
            for place, _ in enumerate(request.text):
                yield WordMark(place, place + 1, 100 * place)
                yield Speech(np.full(100, place + 1, np.int16))
            yield Finish(next(self._reasons, FinishReason.END_OF_TEXT))
        finally:
            self.closed += 1

    def events(self, **request) -> list[Event]:
        return list(with_pauses(Synthesis(**request), RATE_HZ, self.speak))


def test_silence_is_exactly_as_long_as_it_is_asked_for_and_marks_move():
    speaker = Speaker()
    *events, finish = speaker.events(text="一二，三", pauses=(Pause(3, 0.5), Pause(3, 0.25), Pause(4, 1.0)))
    assert [request.text for request in speaker.asked] == ["一二，", "三"]
    sound = np.concatenate([event.pcm for event in events if isinstance(event, Speech)])
    assert sound.dtype == np.int16
    assert sound.tolist() == [*[1] * 100, *[2] * 100, *[3] * 100, *[0] * 750, *[1] * 100, *[0] * 1000]
    marks = [event for event in events if isinstance(event, WordMark)]
    assert marks == [WordMark(0, 1, 0), WordMark(1, 2, 100), WordMark(2, 3, 200), WordMark(3, 4, 1050)]
    assert finish == Finish(FinishReason.END_OF_TEXT)


def test_a_pause_may_come_first_and_between_nothing_but_marks():
    speaker = Speaker()
    events = speaker.events(text="“一”。", pauses=(Pause(0, 0.1), Pause(3, 0.2), Pause(4, 0.3)))
    assert [request.text for request in speaker.asked] == ["“一”"]
    lengths = [len(event.pcm) for event in events if isinstance(event, Speech)]
    assert lengths == [100, 100, 100, 100, 200, 300]


def test_a_stretch_is_asked_for_with_what_is_told_of_its_words():
    speaker = Speaker()
    told = [Pronunciation(place, place + 1, ReadingKind.WORDS, "x") for place in (0, 3)]
    speaker.events(
        text="甲，3.5，乙", language="", voice="v", seed=3, pauses=(Pause(2, 1), Pause(6, 1)), pronunciations=(*told,)
    )
    assert [(each.text, each.language, each.pauses) for each in speaker.asked] == [
        ("甲，", "", ()),
        ("3.5，", "zh", ()),
        ("乙", "", ()),
    ]
    assert [[(said.char_start, said.char_end) for said in each.pronunciations] for each in speaker.asked] == [
        [(0, 1)],
        [(1, 2)],
        [],
    ]
    assert {(each.voice, each.seed) for each in speaker.asked} == {("v", 3)}


@pytest.mark.parametrize("cut", [FinishReason.LENGTH_CAP, FinishReason.SILENCE])
def test_the_end_tells_of_a_stretch_that_was_cut(cut):
    assert Speaker(cut).events(text="一二", pauses=(Pause(1, 1),))[-1] == Finish(cut)


def test_a_text_without_words_is_left_to_the_engine():
    speaker = Speaker()
    speaker.events(text="……", pauses=(Pause(2, 0.6),))
    assert [(each.text, each.pauses) for each in speaker.asked] == [("……", ())]


def test_who_stops_listening_stops_the_voice():
    speaker = Speaker()
    events = with_pauses(Synthesis("一二", pauses=(Pause(1, 1),)), RATE_HZ, speaker.speak)
    next(events)
    events.close()
    assert speaker.closed == 1


def test_words_and_silence_are_in_order():
    events = Speaker().events(text="一二三", pauses=(Pause(1, 1), Pause(2, 2)))
    starts = [event.start_sample for event in events if isinstance(event, WordMark)]
    assert [after - before for before, after in pairwise(starts)] == [1100, 2100]
