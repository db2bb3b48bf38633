"""Chinese words of the studio are set as Chinese is: spaces around Latin letters and digits, and full-width marks."""

import json
import re
from pathlib import Path

import pytest

_WORDS = Path(__file__).parents[3] / "gateway/studio/src/i18n"
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_HAN, _LATIN = "[一-鿿]", "[A-Za-z0-9]"
_TOUCH = re.compile(f"{_HAN}{_LATIN}|{_LATIN}{_HAN}")
_NARROW_MARK = re.compile(f"{_HAN}[,;:!?]|{_HAN} ?[()]")
_GAP_AFTER_MARK = re.compile(r"[，。；：！？、] ")


def chinese() -> list[str]:
    """All sentences but the example of a table; a value is a square, as the page sets spaces around it."""
    literals = [text for text in _LITERAL.findall((_WORDS / "zh.ts").read_text(encoding="utf-8")) if "\\n" not in text]
    said = json.loads((_WORDS / "said.zh.json").read_text(encoding="utf-8")).values()
    return [re.sub(r"{{\w+}}|\$\d", "□", text) for text in (*literals, *said)]


@pytest.mark.parametrize("wrong", [_TOUCH, _NARROW_MARK, _GAP_AFTER_MARK], ids=["no space", "narrow mark", "gap"])
def test_chinese_is_set_as_chinese(wrong: re.Pattern[str]) -> None:
    sentences = chinese()
    assert len(sentences) > 500
    assert [text for text in sentences if wrong.search(text)] == []
