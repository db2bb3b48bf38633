import pytest

from services.text.normalise import read_aloud
from services.text.notation.dictionary import Dictionary
from services.tts.homophones import with_homophones
from tests.services.text.readings import READINGS


@pytest.mark.parametrize(
    ("text", "entry", "said"),
    [
        ("我在重庆住", "重庆=chóng qìng", "我在崇庆住"),  # 庆 is read so anyway
        ("银行在这", "行=xíng", "银行在这"),  # the usual reading of 行: it stays
        ("自行车和银行", "行=háng", "自航车和银航"),
        ("绿林", "绿林=lù lín", "录林"),
        ("他说得好", "得=děi", "他说得好"),  # nothing else sounds like it
        ("AI时代", "AI=ài āi", "爱哀时代"),
        ("用SQL", "SQL=sequel", "用sequel"),
        ("用cube", "cube=/ˈkjuːb/", "用cube"),
        ("3个重庆", "重庆=chóng qìng", "三个崇庆"),
    ],
)
def test_pinyin_is_written_in_hanzi_that_sound_so(text, entry, said):
    told = Dictionary.of([entry], "").pronunciations(text)
    assert with_homophones(read_aloud(text, "zh", told)) == said


def test_a_voice_that_is_given_text_is_given_it_spelled_out():
    given = [(language, written, with_homophones(read_aloud(written, language))) for language, written, _ in READINGS]
    assert given == READINGS
