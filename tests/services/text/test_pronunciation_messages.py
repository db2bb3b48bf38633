import pytest

from services.base.errors import InvalidInputError
from services.text.pauses import Pause
from services.text.pronunciation import Pronunciation, ReadingKind
from services.text.pronunciation_messages import (
    pause_messages,
    pauses_of,
    pronunciation_messages,
    pronunciations_of,
)
from vigent.media.v1.media_pb2 import Pause as PauseMessage
from vigent.media.v1.media_pb2 import Pronunciation as Message

TOLD = (
    Pronunciation(0, 2, ReadingKind.PINYIN, "chong2 qing4"),
    Pronunciation(2, 3, ReadingKind.IPA, "ˈkjuːb"),
    Pronunciation(4, 5, ReadingKind.WORDS, "sequel"),
)


def test_messages_say_the_same():
    assert pronunciations_of(pronunciation_messages(TOLD), "重庆x好y", "p") == TOLD
    pauses = (Pause(0, 0.5), Pause(2, 10.0), Pause(5, 1.0))
    assert pauses_of(pause_messages(pauses), "重庆x好y", "p") == pauses


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([Message(char_start=0, char_end=6, words="x")], "p[0]"),
        ([Message(char_start=-1, char_end=1, words="x")], "p[0]"),
        ([Message(char_start=1, char_end=1, words="x")], "p[0]"),
        ([Message(char_start=0, char_end=2, words="x"), Message(char_start=1, char_end=3, words="x")], "p[1]"),
        ([Message(char_start=2, char_end=3, words="x"), Message(char_start=0, char_end=1, words="x")], "p[1]"),
        ([Message(char_start=0, char_end=1)], "p[0]"),
        ([Message(char_start=0, char_end=1, ipa=" ")], "p[0]"),
        ([Message(char_start=0, char_end=1, pinyin="a\0")], "p[0]"),
        ([Message(char_start=0, char_end=1, words="x" * 1001)], "p[0]"),
    ],
)
def test_a_pronunciation_that_does_not_fit_is_refused(messages, field):
    with pytest.raises(InvalidInputError) as refused:
        pronunciations_of(messages, "12345", "p")
    assert (refused.value.field, refused.value.reason) == (field, "BAD_PRONUNCIATION")


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([PauseMessage(char=6, duration_s=1)], "p[0].char"),
        ([PauseMessage(char=-1, duration_s=1)], "p[0].char"),
        ([PauseMessage(char=3, duration_s=1), PauseMessage(char=2, duration_s=1)], "p[1].char"),
        ([PauseMessage(char=1)], "p[0].duration_s"),
        ([PauseMessage(char=1, duration_s=-1)], "p[0].duration_s"),
        ([PauseMessage(char=1, duration_s=10.5)], "p[0].duration_s"),
        ([PauseMessage(char=1, duration_s=float("nan"))], "p[0].duration_s"),
        ([PauseMessage(char=1, duration_s=10)] * 4, "p"),
    ],
)
def test_a_pause_that_cannot_be_made_is_refused(messages, field):
    with pytest.raises(InvalidInputError) as refused:
        pauses_of(messages, "12345", "p")
    assert (refused.value.field, refused.value.reason) == (field, "BAD_PAUSE")
