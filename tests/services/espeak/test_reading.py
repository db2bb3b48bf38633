import pytest

from services.espeak.reading import language_of, runs_of


def said(text: str, language: str = "zh") -> str:
    return "|".join(f"{run.language}:{run.said}" for run in runs_of(text, language))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("大家好", "zh"),
        ("用 Qwen3 TTS 的 Hello world 测试", "zh"),
        ("在 iPhone 15 Pro Max 上", "zh"),
        ("The word 你好 means hello in 2025", "en"),
        ("Good morning", "en"),
        ("2025", "en"),
        ("Привет, world", "ru"),
        ("東京に行きます", "ja"),
        ("안녕하세요", "ko"),
        ("...", "en"),
    ],
)
def test_tells_the_language_by_the_script(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2025年", "zh:二零二五年"),
        ("涨了3.5%。", "zh:涨了百分之 3.5。"),
        ("5℃", "zh:5 摄氏度"),
        ("价格128元", "zh:价格 128 元"),
        ("第3名", "zh:第 3 名"),
        ("英雄去玩儿", "zh:英 xong2 去玩 er2 "),
        ("ＡＩ２０２４年😀", "zh:AI二零二四年 "),
        ("你好 Привет 世界", "zh:你好 |ru:Привет |zh:世界"),
    ],
)
def test_writes_out_what_the_mandarin_voice_misreads(text, written):
    assert said(text) == written


def test_leaves_numbers_of_other_languages_to_their_voice():
    assert said("up 3.5% in 2025", "en") == "en:up 3.5% in 2025"


def test_hands_hanzi_to_the_mandarin_voice():
    assert said("The word 你好 means hello", "en") == "en:The word |zh:你好 |en:means hello"


def test_keeps_the_place_of_every_character():
    text = "在2025年涨3.5%，英雄"
    for run in runs_of(text, "zh"):
        assert len(run.said) == len(run.origins)
        assert list(run.origins) == sorted(run.origins)
    (run,) = runs_of(text, "zh")
    assert [text[offset] for offset in run.origins] == list("在2222年涨3333333，英雄雄雄雄雄雄雄")
