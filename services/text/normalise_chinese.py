"""Numbers in Chinese text: years by digits, the rest as quantities."""

from __future__ import annotations

import re
from collections.abc import Callable

import cn2an

_DIGITS = "零一二三四五六七八九"
_UNITS = {
    "km/h": "公里每小时",
    "m/s": "米每秒",
    "km": "公里",
    "cm": "厘米",
    "mm": "毫米",
    "kg": "公斤",
    "mg": "毫克",
    "ml": "毫升",
    "ms": "毫秒",
    "kHz": "千赫兹",
    "Hz": "赫兹",
    "kW": "千瓦",
    "°C": "摄氏度",
    "℃": "摄氏度",
    "g": "克",
    "L": "升",
    "m": "米",
    "s": "秒",
    "h": "小时",
    "min": "分钟",
}
_MONEY = {"¥": "元", "￥": "元", "$": "美元", "€": "欧元", "£": "英镑"}
_COUNTED = (
    "个|位|种|次|天|周|倍|件|条|张|本|台|块|只|名|家|座|场|部|层|页|遍|杯|点|小时|分钟|秒|年|米|公里|公斤|千|万|亿"
)

_START = r"(?<![A-Za-z0-9.\-])"  # not inside a name such as GPT-4
_END = r"(?![A-Za-z0-9]|[.,]\d)"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def in_words(text: str) -> str:
    """`text` with its numbers in Chinese words."""
    for pattern, spoken in _RULES:
        text = pattern.sub(spoken, text)
    return text


def _digits(number: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in number)


def _cardinal(number: str) -> str:
    whole, _, decimals = number.replace(",", "").partition(".")
    words = str(cn2an.an2cn(whole, "low")) if len(whole) <= 16 else _digits(whole)
    return f"{words}点{_digits(decimals)}" if decimals else words


def _quantity(number: str) -> str:
    return "两" if number == "2" else _cardinal(number)


def _date(match: re.Match[str]) -> str:
    return f"{_digits(match[1])}年{_cardinal(str(int(match[2])))}月{_cardinal(str(int(match[3])))}日"


def _time(match: re.Match[str]) -> str:
    hour, minute = _quantity(str(int(match[1]))), int(match[2])
    if minute == 0:
        return f"{hour}点"
    return f"{hour}点{'零' if minute < 10 else ''}{_cardinal(str(minute))}分"


def _version(match: re.Match[str]) -> str:
    return match[1] + "点".join(_cardinal(part) for part in match[2].split("."))


def _rule(pattern: str, spoken: Callable[[re.Match[str]], str]) -> _Rule:
    return re.compile(pattern), spoken


_RULES: tuple[_Rule, ...] = (
    _rule(_START + r"(\d{4})[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])" + _END, _date),
    _rule(r"(?<!\d)(\d{4})(?=年(?!前|后|间|来|内|以))", lambda m: _digits(m[1])),
    _rule(_START + r"([01]?\d|2[0-3])[:：]([0-5]\d)" + _END, _time),
    _rule(r"(?<![A-Za-z])([vV] ?|版本 ?)(\d+(?:\.\d+)+)" + _END, _version),
    _rule(_START + r"()(\d+(?:\.\d+){2,})" + _END, _version),
    _rule(r"(?<![A-Za-z0-9.\-%])-(?=\d)", lambda _: "负"),
    _rule(
        rf"{_START}({_NUMBER})\s?%?\s?[-~～]\s?({_NUMBER})\s?%",
        lambda m: f"百分之{_cardinal(m[1])}到{_cardinal(m[2])}",
    ),
    _rule(rf"{_START}({_NUMBER})\s?[%％]", lambda m: f"百分之{_cardinal(m[1])}"),
    _rule(rf"([¥￥$€£])\s?({_NUMBER})([万亿]?)", lambda m: _quantity(m[2]) + m[3] + _MONEY[m[1]]),
    _rule(_START + r"(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8}|0\d+)" + _END, lambda m: _digits(m[0].replace("-", ""))),
    _rule(rf"{_START}(\d+)/(\d+){_END}", lambda m: f"{_cardinal(m[2])}分之{_cardinal(m[1])}"),
    _rule(
        rf"{_START}({_NUMBER})\s?[-~～]\s?({_NUMBER})(?![A-Za-z0-9\-])",
        lambda m: f"{_cardinal(m[1])}到{_cardinal(m[2])}",
    ),
    _rule(
        rf"{_START}({_NUMBER})\s?({'|'.join(map(re.escape, _UNITS))}){_END}",
        lambda m: _quantity(m[1]) + _UNITS[m[2]],
    ),
    _rule(_START + r"(\d+)[:：](\d+)" + _END, lambda m: f"{_cardinal(m[1])}比{_cardinal(m[2])}"),
    _rule(r"(?<=第)(\d+)", lambda m: _cardinal(m[1])),
    _rule(rf"{_START}2(?=\s?(?:{_COUNTED}))", lambda _: "两"),
    _rule(rf"{_START}({_NUMBER}){_END}", lambda m: _cardinal(m[1])),
)
