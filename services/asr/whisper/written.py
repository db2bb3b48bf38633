"""Chinese as its readers write it: Whisper mixes simplified and traditional characters, and Western marks or none."""

from __future__ import annotations

import re
from functools import cache

from opencc import OpenCC

from services.text.languages import primary_subtag

_TRADITIONAL = re.compile(r"(?i)yue|zh-(?:hant|tw|hk|mo)\b|.*-hant\b")
_HAN = r"[\u3400-\u9fff]"
_MARKS = str.maketrans(",?!:;.", "，？！：；。")
_MARK = re.compile(rf"(?<={_HAN})\s*[,?!:;.]+(?![\d.])\s*|(?<=\w)[,?!:;]\s*(?={_HAN})")
_PAUSE = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
_UNENDED = re.compile(rf"(?<={_HAN})$")


def written(text: str, language: str) -> str:
    """`text` as it is, unless `language`, BCP 47, is Chinese: then with Chinese marks and in simplified characters.

    They are traditional where the tag names a place or script that has those. A pause that Whisper shows by a space, as
    subtitles do, becomes a comma, the last one a full stop.
    """
    if primary_subtag(language) not in {"zh", "yue"}:
        return text
    text = _converter("s2t" if _TRADITIONAL.match(language) else "t2s").convert(text)
    text = _MARK.sub(lambda mark: mark[0].strip().translate(_MARKS), text)
    return _UNENDED.sub("。", _PAUSE.sub("，", text))


@cache
def _converter(direction: str) -> OpenCC:
    return OpenCC(direction)
