import pytest

from services.espeak.reading import runs_of


def said(text: str, language: str = "zh") -> str:
    return "|".join(f"{run.language}:{run.said}" for run in runs_of(text, language))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025年", "zh:二零二五年"),
        ("涨了3.5%。", "zh:涨了百分之三点五。"),
        ("5℃", "zh:五摄氏度"),
        ("价格128元", "zh:价格一百二十八元"),
        ("第3名", "zh:第三名"),
        ("英雄去玩儿", "zh:英 xong2 去玩 er2 "),
        ("ＡＩ，２０２４年😀", "zh:AI，二零二四年 "),
        ("用Qwen3吧", "zh:用Qwen3 吧"),
        ("你好 Привет 世界", "zh:你好 |ru:Привет |zh:世界"),
    ],
)
def test_writes_out_what_the_mandarin_voice_misreads(text, written):
    assert said(text) == written


def test_leaves_numbers_of_other_languages_to_their_voice():
    assert said("3.5% im Jahr 2025", "de") == "de:3.5% im Jahr 2025"


def test_hands_hanzi_to_the_mandarin_voice():
    assert said("The word 你好 means hello", "en") == "en:The word |zh:你好 |en:means hello"


def test_keeps_the_place_of_every_character():
    text = "在2025年涨3.5%，英雄"
    for run in runs_of(text, "zh"):
        assert len(run.said) == len(run.origins)
        assert list(run.origins) == sorted(run.origins)
    (run,) = runs_of(text, "zh")
    assert [text[offset] for offset in run.origins] == list("在2222年涨333333，英雄雄雄雄雄雄雄")
