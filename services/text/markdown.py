"""Where the marks of Markdown are in a script: headings, emphasis, lists, quotations, code and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_CODE = re.compile(r"(?P<open>`+)[^`\n]+(?P<close>(?P=open))")
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>()\[\]]+")
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:(?:[-*_][ \t]*){3,}$"  # rule
    r"|(?:```|~~~).*$"  # code fence
    r"|\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)*\|?[ \t]*$"  # table rule
    r"|(?:>[ \t]?)+(?:#{1,6}[ \t]+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?)?"  # quotation
    r"|#{1,6}[ \t]+"  # heading
    r"|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?"  # list entry, task
    r"|[•‣◦▪▫■□\uf0a7\uf0b7\uf0d8][ \t]*)",  # the same as a word processor writes it
    re.MULTILINE,
)
_LINK = re.compile(r"(?P<open>!?\[)[^\[\]\n]*(?P<close>\]\([^()\s]*(?:\s+\"[^\"\n]*\")?\))")
_AUTOLINK = re.compile(r"(?P<open><)(?:https?://|mailto:)?[^\s<>]+[.@][^\s<>]+(?P<close>>)")
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


def marks(script: str) -> Iterator[tuple[int, int]]:
    """Ranges of marks; code keeps everything but its ticks, addresses keep what looks like emphasis.

    Numbers of numbered lists are not marks: they are spoken.
    """
    code = inside_code(script)
    verbatim = mask(script, (match.span() for match in _ADDRESS.finditer(script)), code)
    escapes = list(_ESCAPE.finditer(script))
    literal = mask(script, (match.span() for match in escapes), verbatim)
    yield from (match.span(end) for match in _CODE.finditer(script) for end in ("open", "close"))
    yield from _outside(code, (match.span() for match in _LINE_MARKS.finditer(script)))
    for pattern in (_LINK, _AUTOLINK):
        yield from _outside(code, _ends_of(pattern, script))
    yield from _outside(verbatim, (match.span("open") for match in escapes))
    for pattern in _EMPHASIS:
        yield from _outside(literal, _ends_of(pattern, script))


def inside_code(script: str) -> bytes:
    """1 for each character between ticks of code, 0 for the others."""
    return mask(script, ((match.end("open"), match.start("close")) for match in _CODE.finditer(script)))


def mask(script: str, ranges: Iterable[tuple[int, int]], base: bytes = b"") -> bytes:
    """1 for each character in one of the ranges or marked in `base`, 0 for the others."""
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
