"""Where a line may break, and what a break there costs."""

from __future__ import annotations

import logging
import re
from functools import cache

import jieba
from uniseg.linebreak import line_break_boundaries

from orchestrator.captions.tokens import protected_spans
from services.runtime.emoji import EMOJI

CLOSING = frozenset("，。、；：？！…·”’」』）】》〉〕｝,.;:?!)]}%％")
OPENING = frozenset("“‘「『（【《〈〔｛([{$￥¥£€#@")
_STOPS, _COMMAS = frozenset("。！？!?；;…"), frozenset("，,、：:—")

_INSIDE_WORD = 3.0
_BEFORE_EMOJI = 2.0
_AFTER_STOP, _AFTER_COMMA, _BEFORE_CONJUNCTION = -1.0, -0.8, -0.2
_AFTER_BINDING, _BEFORE_PARTICLE = 0.6, 1.2

_PARTICLES = frozenset("的地得了着过吗呢吧啊们嘛呀哦啦")
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
_HAN_RUN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{3,}")
_LATIN_WORD_END = re.compile(r"([A-Za-z'’]+)\s*$")
_LATIN_WORD_START = re.compile(r"\s*([A-Za-z'’]+)")


def break_costs(text: str) -> dict[int, float]:
    """Cost of a line break before each character of `text` where one is allowed; negative where one is welcome.

    Allowed is what UAX #14 allows outside of protected tokens, except before closing and after opening marks. Costs
    come from punctuation, from word ends (jieba) and from words that bind to the next one.
    """
    spans = protected_spans(text)
    inside = {position for start, end in spans for position in range(start + 1, end)}
    word_ends = _word_ends(text)
    emoji_starts = {match.start() for match in EMOJI.finditer(text)}
    return {
        place: _cost(text, place, word_ends) + (_BEFORE_EMOJI if place in emoji_starts else 0.0)
        for place in _hard_opportunities(text, spans)
        if place not in inside and _marks_allow(text, place)
    }


def _hard_opportunities(text: str, spans: list[tuple[int, int]]) -> list[int]:
    """UAX #14 over a shortened text, for speed.

    What lies inside a protected token is never asked for, and between two ideographs a break is always allowed (LB31),
    so of both only the first and the last character are looked at.
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
    allowed.extend(skeleton[place] for place in places if 0 < place < len(skeleton))
    return sorted(place for place in allowed if 0 < place < len(text))


def _marks_allow(text: str, place: int) -> bool:
    return text[place] not in CLOSING and text[:place].rstrip()[-1:] not in OPENING


def _cost(text: str, place: int, word_ends: dict[int, str]) -> float:
    before = text[:place].rstrip()
    if before[-1:] in _STOPS:
        return _AFTER_STOP
    if before[-1:] in _COMMAS:
        return _AFTER_COMMA
    cost = 0.0 if place in word_ends or text[place - 1].isspace() else _INSIDE_WORD
    last = _LATIN_WORD_END.search(before)
    word = last[1].lower() if last else word_ends.get(place, "")
    following = _LATIN_WORD_START.match(text, place)
    next_word = following[1].lower() if following else text[place]
    if word in _BINDING:
        cost += _AFTER_BINDING
    elif next_word in _CONJUNCTIONS or text[place : place + 2] in _CONJUNCTIONS:
        cost += _BEFORE_CONJUNCTION
    return cost + (_BEFORE_PARTICLE if text[place] in _PARTICLES else 0.0)


def _word_ends(text: str) -> dict[int, str]:
    """Position after each word and the word that ends there."""
    return {end: word for word, _, end in words_of(text)}


def words_of(text: str) -> list[tuple[str, int, int]]:
    """Words of `text` by jieba: word, start, end."""
    return [(word, start, end) for word, start, end in _jieba().tokenize(text)]


@cache
def _jieba() -> jieba.Tokenizer:
    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    return tokenizer
