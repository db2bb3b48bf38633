"""Takes the marks of Markdown out of a script and remembers where every character that is left stood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_CODE = re.compile(r"(?P<open>`+)[^`\n]+(?P<close>(?P=open))")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]]+")
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:(?:[-*_][ \t]*){3,}$"  # rule
    r"|(?:```|~~~).*$"  # code fence
    r"|\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)*\|?$"  # table rule
    r"|(?:>[ \t]?)+(?:#{1,6}[ \t]+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)?"  # quotation
    r"|#{1,6}[ \t]+"  # heading
    r"|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)",  # list entry, task
    re.MULTILINE,
)
_LINK = re.compile(r"(?P<open>!?\[)[^\[\]\n]*(?P<close>\]\([^()\s]*(?:\s+\"[^\"\n]*\")?\))")
_AUTOLINK = re.compile(r"(?P<open><)(?:https?://|mailto:)?[^\s<>]+[.@][^\s<>]+(?P<close>>)")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>\n]*)?/?>")
_EMPHASIS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<open>\*\*\*?)(?=\S)[^*\n]+(?:\*[^*\n]+\*[^*\n]*){0,20}(?<=\S)(?P<close>\*\*\*?)",
        r"(?<![\w_])(?P<open>__)(?=\S)[^\n]{1,1000}?(?<=\S)(?P<close>__)(?![\w_])",
        r"(?P<open>~~)(?=\S)[^~\n]+(?<=\S)(?P<close>~~)",
        r"(?<![\d*])(?P<open>\*)(?=[^\s*])[^*\n]+(?<=[^\s*])(?P<close>\*)(?![\d*])",
        r"(?<![a-zA-Z0-9_])(?P<open>_)(?=[^\s_])[^_\n]+(?<=[^\s_])(?P<close>_)(?![a-zA-Z0-9_])",
    )
)
_ESCAPE = re.compile(r"(?P<open>\\)[!-/:-@\[-`{-~]")
_INVISIBLE = re.compile("[\ufeff\u200b\u00ad\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class SpokenText:
    """What is left of a script; character i of `text` is character `offsets[i]` of the script."""

    text: str
    offsets: tuple[int, ...]


def without_markdown(script: str) -> SpokenText:
    """Removes marks of headings, emphasis, lists, quotations, code and links; the text inside them stays.

    Numbers of numbered lists stay: they are spoken. Characters are only removed, never changed.
    """
    kept = [True] * len(script)
    for start, end in _marks(script):
        kept[start:end] = [False] * (end - start)
    offsets = tuple(offset for offset, keep in enumerate(kept) if keep)
    return SpokenText("".join(script[offset] for offset in offsets), offsets)


def _marks(script: str) -> Iterator[tuple[int, int]]:
    """Ranges of marks; code keeps everything but its ticks, addresses keep what looks like emphasis."""
    code = list(_CODE.finditer(script))
    inside_code = _mask(script, ((match.end("open"), match.start("close")) for match in code))
    verbatim = _mask(script, (match.span() for match in _ADDRESS.finditer(script)), inside_code)
    escapes = list(_ESCAPE.finditer(script))
    literal = _mask(script, (match.span() for match in escapes), verbatim)
    yield from (match.span(end) for match in code for end in ("open", "close"))
    yield from (match.span() for match in _INVISIBLE.finditer(script))
    yield from _outside(inside_code, (match.span() for match in _LINE_MARKS.finditer(script)))
    for pattern in (_LINK, _AUTOLINK):
        yield from _outside(inside_code, _ends_of(pattern, script))
    yield from _outside(verbatim, (match.span() for match in _TAG.finditer(script)))
    yield from _outside(verbatim, (match.span("open") for match in escapes))
    for pattern in _EMPHASIS:
        yield from _outside(literal, _ends_of(pattern, script))


def _mask(script: str, ranges: Iterable[tuple[int, int]], base: bytes = b"") -> bytes:
    mask = bytearray(base or bytes(len(script)))
    for start, end in ranges:
        mask[start:end] = b"\1" * (end - start)
    return bytes(mask)


def _outside(mask: bytes, ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return ((start, end) for start, end in ranges if not any(mask[start:end]))


def _ends_of(pattern: re.Pattern[str], script: str) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(script):
        yield match.span("open")
        yield match.span("close")
