import pytest

from services.text.normalise import read_aloud
from services.text.sounds import letters, sounds


@pytest.mark.parametrize(
    ("text", "language", "heard"),
    [
        ("2025年，AI", "zh", "erlingerwunianai"),
        ("银行行长在重庆长大", "zh", "yinhanghangzhangzaichongqingzhangda"),
        ("說話", "zh", "shuohua"),
        ("Don't go at ５.", "en", "dontgoatfive"),
        ("Größe", "de", "grösse"),
    ],
)
def test_sounds_are_letters_read_aloud(text: str, language: str, heard: str) -> None:
    assert sounds(read_aloud(text, language)) == heard


def test_letters_leave_out_marks_spaces_and_case() -> None:
    assert letters("Ａ b, 7.30！") == "ab730"
