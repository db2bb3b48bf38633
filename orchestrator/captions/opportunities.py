"""Where a line may break, and what a break there costs."""

from __future__ import annotations

import logging
import re
from functools import cache

import jieba
from uniseg.linebreak import line_break_boundaries

from orchestrator.captions.phrases import costs_inside
from services.text.emoji import EMOJI
from services.text.tokens import HAN, protected_spans

CLOSING = frozenset("，。、；：？！…·”’」』）】》〉〕｝,.;:?!)]}%％")
OPENING = frozenset("“‘「『（【《〈〔｛([{")
_STOPS, _COMMAS = frozenset("。！？!?；;…"), frozenset("，,、：:—")

jieba.setLogLevel(logging.WARNING)
_JIEBA = jieba.Tokenizer()

_INSIDE_WORD = 3.0
_BEFORE_EMOJI = 2.0
_AFTER_STOP, _AFTER_COMMA, _BEFORE_CONJUNCTION = -1.0, -0.8, -0.2
_AFTER_BINDING, _BEFORE_PARTICLE, _INSIDE_PHRASE = 0.6, 1.2, 0.6

_PARTICLES = frozenset("的地得了着过里中上下内外时后前")
_SUFFIXES = frozenset("吗呢吧啊们嘛呀哦啦")
_LEADING_ON = """
和 与 及 或 在 把 被 对 从 向 给 让 使 将 是 不 很 更 最 也 都 就 还 再 又 没 没有 个 一个 这 那 这个 那个 每 各 第 为
以 跟 比 要 会 能 可以 用 到 有 怎么 怎样 如何 为什么
a an the this that these those my your his her its our their of to in on at for with from by as and or but
is are was were be been not very so i you he she it we they will can could would should don't doesn't
"""
_BINDING = frozenset(_LEADING_ON.split())
_STARTING = """
但是 但 所以 因为 而且 然后 如果 并且 不过 或者 以及 只要 只有 虽然 那么 就是
and or but because that which who when where while if as so than with from for in on at by to
"""
_CONJUNCTIONS = frozenset(_STARTING.split())
WORDS_WITHOUT_HAN = ("AT&T", "C#", "C++", "c#", "c++")
"""All of jieba's dictionary that have none."""
_HAN_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{3,}")
_HAN_CHARACTER = re.compile(f"[{HAN}]")
_QUOTE_EDGE = re.compile(f"(?<=[{HAN}，。、；：？！…”’」』）】》])(?=[“‘])|(?<=[”’])(?=[{HAN}“‘「『（【《])")
"""In Chinese a line may also break outside quotation marks; UAX #14 cannot tell which way they face (LB19)."""
_LATIN_WORD_END = re.compile(r"([A-Za-z'’]+)\s*$")
_LATIN_WORD_START = re.compile(r"\s*([A-Za-z'’]+)")


def break_costs(text: str) -> dict[int, float]:
    """Cost of a line break before each character of `text` where one is allowed; negative where one is welcome.

    A break is allowed where UAX #14 allows one outside protected tokens, except before closing and after opening marks.
    Costs depend on punctuation, on word boundaries (jieba), on words that belong with the next one, and on phrases.
    """
    spans = protected_spans(text)
    inside = {position for start, end in spans for position in range(start + 1, end)}
    words = jieba_words(text)
    word_ends = {end: word for word, _, end in words}
    word_starts = {start: word for word, start, _ in words}
    emoji_starts = {match.start() for match in EMOJI.finditer(text)}
    inside_phrases = costs_inside(text)
    return {
        place: _cost(text, place, word_ends, word_starts)
        + (_BEFORE_EMOJI if place in emoji_starts else 0.0)
        + inside_phrases.get(place, 0.0)
        for place in _hard_opportunities(text, spans)
        if place not in inside and _marks_allow(text, place)
    }


def _hard_opportunities(text: str, spans: list[tuple[int, int]]) -> list[int]:
    """UAX #14 over a shortened text, for speed.

    Breaks inside a protected token do not matter, and between two ideographs a break is always allowed (LB31). So only
    the first and the last character of a token, and of a run of ideographs, are looked at.
    """
    runs = [(match.start(), match.end(), True) for match in _HAN_RUN.finditer(text)]
    runs += [(start, end, False) for start, end in spans if end - start > 2 and not _HAN_RUN.search(text[start:end])]
    skeleton: list[int] = []
    allowed: list[int] = []
    position = 0
    for start, end, is_han in sorted(runs):
        if start < position:
            continue
        skeleton.extend((*range(position, start), start, end - 1))
        allowed.extend(range(start + 1, end - 1) if is_han else ())
        position = end
    skeleton.extend(range(position, len(text)))
    places = line_break_boundaries("".join(text[index] for index in skeleton))
    allowed.extend(match.start() for match in _QUOTE_EDGE.finditer(text))
    allowed.extend(skeleton[place] for place in places if 0 < place < len(skeleton))
    return sorted({place for place in allowed if 0 < place < len(text)})


def _marks_allow(text: str, place: int) -> bool:
    return text[place] not in CLOSING and text[:place].rstrip()[-1:] not in OPENING


def _cost(text: str, place: int, word_ends: dict[int, str], word_starts: dict[int, str]) -> float:
    before = text[:place].rstrip()
    if before[-1:] in _STOPS:
        return _AFTER_STOP
    if before[-1:] in _COMMAS:
        return _AFTER_COMMA
    last, following = _LATIN_WORD_END.search(before), _LATIN_WORD_START.match(text, place)
    word = last[1].lower() if last else word_ends.get(len(before), "")
    next_word = following[1].lower() if following else word_starts.get(place, "")
    cost = 0.0 if len(before) in word_ends else _INSIDE_WORD
    if word in _BINDING:
        cost += _AFTER_BINDING
    elif next_word in _CONJUNCTIONS:
        cost += _BEFORE_CONJUNCTION
    if next_word in _PARTICLES or text[place] in _SUFFIXES:
        cost += _BEFORE_PARTICLE
    if _divides_phrase(before[-1], text[place], text):
        cost += _INSIDE_PHRASE
    return cost


def _divides_phrase(last: str, following: str, text: str) -> bool:
    """Whether a break would split a foreign phrase in Chinese ("RTX 4090") or a number from its noun ("64 个")."""
    if last.isdigit():
        return True
    return last.isascii() and last.isalnum() and following.isascii() and bool(_HAN_CHARACTER.search(text))


def jieba_words(text: str) -> list[tuple[str, int, int]]:
    """Words of `text` according to jieba: word, start, end.

    The first text with Han characters waits a second or so for its dictionary.
    """
    tokenizer = _JIEBA if _HAN_CHARACTER.search(text) else _jieba_without_han()
    return [(word, start, end) for word, start, end in tokenizer.tokenize(text)]


@cache
def _jieba_without_han() -> jieba.Tokenizer:
    """Finds the same words where there are no Han characters, without the 60 MiB of the whole dictionary."""
    tokenizer = jieba.Tokenizer()
    words = WORDS_WITHOUT_HAN
    beginnings = {word[:end]: 0 for word in words for end in range(1, len(word))}
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = beginnings | dict.fromkeys(words, 1), 10, True
    return tokenizer
