"""Subtitle files: SubRip and WebVTT."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_WORD_JOINER = "\u2060"
_HTML_LIKE = re.compile(r"<(?=[/A-Za-z])|\{(?=\\)")


class Subtitle(NamedTuple):
    """Text, of one or more lines, that is shown from `start_ms` to `end_ms`."""

    start_ms: int
    end_ms: int
    text: str


def srt(subtitles: Iterable[Subtitle]) -> str:
    """SubRip. An invisible WORD JOINER breaks up what players would take for a tag or an arrow."""
    return "\n".join(
        f"{number}\n{_times(subtitle, ',')}\n{_srt_text(subtitle.text)}\n"
        for number, subtitle in enumerate(subtitles, 1)
    )


def vtt(subtitles: Iterable[Subtitle]) -> str:
    """WebVTT with the characters & < > escaped (W3C WebVTT 4.2.2)."""
    return "\n".join(["WEBVTT\n", *(f"{_times(each, '.')}\n{_vtt_text(each.text)}\n" for each in subtitles)])


def _times(subtitle: Subtitle, decimal_mark: str) -> str:
    return f"{_clock(subtitle.start_ms, decimal_mark)} --> {_clock(subtitle.end_ms, decimal_mark)}"


def _clock(time_ms: int, decimal_mark: str) -> str:
    seconds, rest_ms = divmod(time_ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{decimal_mark}{rest_ms:03d}"


def _srt_text(text: str) -> str:
    return _HTML_LIKE.sub(lambda match: match[0] + _WORD_JOINER, text).replace("-->", f"--{_WORD_JOINER}>")


def _vtt_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
