"""Phrases that had better stay on one line: foreign ones in Chinese, numbers with what they count, names and titles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.text.tokens import HAN

Phrase = tuple[int, int, float]
"""Characters [start, end) of a text, and the cost of a line break between them."""

_FOREIGN, _NUMBER, _TITLE, _NAME = 1.6, 1.6, 1.2, 0.9
"""Below the cost of a break inside a word, above what an even length of lines is worth."""

_WORD = r"[A-Za-z0-9][\w.+#&'’/%-]*"
_FOREIGN_RUN = re.compile(rf"{_WORD}(?: {_WORD})+", re.ASCII)
_LETTER_OF_CHINESE = re.compile(f"[{HAN}]")
_HAN_NUMERAL = "[零〇一二两三四五六七八九十百千万亿几]"
_MANY = "hundred|thousand|million|billion|trillion"
_COUNTED_THINGS = (
    "percent|degrees|dollars?|euros?|pounds?|years?|months?|weeks?|days?|hours?|minutes?|seconds?|people|users|times|"
    "kilomet(?:er|re)s?|met(?:er|re)s?|miles?|kilograms?"
)
_HAN_COUNTED = (
    "个半?小时|个星期|个人|美元|欧元|块钱|人民币|分钟|小时|公里|公斤|平方米|个月|元|块|秒|天|年|月|日|岁|倍|米|吨|度|个|位|名|次|条|家|篇|章|页|层|"
    "种|款|台|部|届|季度"
)
_COUNTED = re.compile(
    rf"[$€£¥]?\d[\d.,]* (?:(?:{_MANY})(?: (?:{_COUNTED_THINGS}))?|{_COUNTED_THINGS})\b"
    rf"|第?{_HAN_NUMERAL}+(?:点{_HAN_NUMERAL}+)?[多余]?(?:{_HAN_COUNTED})"
)
_TITLES = re.compile(
    r"《[^《》\n]+》|〈[^〈〉\n]+〉|“[^“”\n]+”|「[^「」\n]+」|『[^『』\n]+』|(?<!\w)\"[^\"\n]+\"(?!\w)"
)
_CAPITAL = r"[A-Z][\w.'’-]*"
_NAMES = re.compile(
    rf"{_CAPITAL}(?:(?: (?:of|the|de|la|van|von|der|and|&))? (?:{_CAPITAL}|\d[\w.]*))+"
    rf"|[{HAN}][·•・][{HAN}]"
)


def phrases(text: str) -> Iterator[Phrase]:
    """All phrases of a text; those of several kinds may overlap."""
    if _LETTER_OF_CHINESE.search(text):
        yield from ((*match.span(), _FOREIGN) for match in _FOREIGN_RUN.finditer(text))
    for pattern, cost in ((_COUNTED, _NUMBER), (_TITLES, _TITLE), (_NAMES, _NAME)):
        yield from ((*match.span(), cost) for match in pattern.finditer(text))


def costs_inside(text: str) -> dict[int, float]:
    """Cost of a line break before each character that is inside a phrase: that of the phrase that holds it tightest."""
    costs: dict[int, float] = {}
    for start, end, cost in phrases(text):
        for place in range(start + 1, end):
            costs[place] = max(costs.get(place, 0.0), cost)
    return costs
