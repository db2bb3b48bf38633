"""Tokens that are never cut and never lose a character: words, numbers with units, addresses, tags, emoji."""

from __future__ import annotations

import re

from services.text.emoji import EMOJI

HAN = r"\u2E80-\u2FDF\u3005\u3007\u3021-\u3029\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF"
"""Han characters, as the inside of a character class."""

EAST_ASIAN = HAN + r"\u3040-\u30FF\u31F0-\u31FF\uFF66-\uFF9F\uAC00-\uD7AF"
"""Those, kana and hangul, likewise."""
_WORD = rf"(?:(?![{EAST_ASIAN}])[^\W_][\u0300-\u036F]*)+"
_JOINT = r"(?:://|/~|[-‐‑–'’./&@+_=~#%?:]+|(?<=\d),(?=\d))"
_CURRENCY = "[$€£¥￥]"
_PERCENT = "[%％‰℃℉°]"
_NUMBER = rf"[+\-−±]?{_CURRENCY}?\d+(?:[.,:]\d+)*(?:[-–~至到]\d+(?:[.,:]\d+)*)?"
_UNIT = (
    r"(?:km/h|m/s|mph|[kmcn]?m[²³23]?|[kmµμ]?g|lbs?|oz|ft|mi|m[lL]|L|[mµμn]?s|min|hrs?|h|days?|[kMG]?Hz|[kKMGTP]?i?[Bb]|[kMG]?bps|"
    r"bits?|bytes?|[kMG]?Wh?|mA|m?Ah|k?V|px|fps|dpi|dB|°C|°F|K|M|x|am|pm|a\.m\.|p\.m\.|USD|EUR|RMB|CNY)(?![A-Za-z0-9])"
)
_HAN_UNIT = (
    r"(?:[十百千万亿]{0,3}(?:美元|欧元|日元|人民币|分钟|小时|毫秒|公里|公斤|千米|厘米|毫米|平方米|摄氏度|个月|元|块|秒|天|年|月|日|号|"
    r"岁|倍|米|克|吨|度|届|集|期|帧|折|名|位|次|个|条|点|代|版|章|页|层|楼)|[十百千万亿]{1,3})"
)

_TOKEN = re.compile(
    "|".join(
        (
            EMOJI.pattern,
            r"\#[^\s#，。！？；：、,!?;:]{1,20}\#",  # #话题#
            r"(?<![0-9A-Za-z])[@#]\w{1,20}(?=\s|$)",  # @名字, #标签
            rf"{_NUMBER}\s?(?:{_UNIT}|{_PERCENT}|{_HAN_UNIT})",
            rf"(?:(?<!\w)[@#+\-−±]|{_CURRENCY})*{_WORD}(?:{_JOINT}{_WORD})*(?:(?:[+#/]|{_PERCENT}|{_CURRENCY})+(?![0-9A-Za-z_]))?",
        )
    )
)


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Ranges [start, end) of `text`, in order and disjoint, inside which no line may break.

    Latin words with their hyphens, dots, plus signs and apostrophes, versions, decimals, numbers with a unit or a
    percent sign, URLs, e-mail addresses, handles, tags and whole emoji sequences.
    """
    return [match.span() for match in _TOKEN.finditer(text) if match.end() - match.start() > 1]
