"""Numbers in English text."""

from __future__ import annotations

import re
from collections.abc import Callable

from num2words import num2words

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_UNITS = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("meter per second", "meters per second"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "ml": ("milliliter", "milliliters"),
    "ms": ("millisecond", "milliseconds"),
    "kHz": ("kilohertz", "kilohertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "Hz": ("hertz", "hertz"),
    "kW": ("kilowatt", "kilowatts"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "g": ("gram", "grams"),
    "m": ("meter", "meters"),
    "s": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "h": ("hour", "hours"),
}
_MONEY = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
}

_START = r"(?<![A-Za-z0-9.\-])"  # not inside a name such as GPT-4
_END = r"(?![A-Za-z0-9]|[.,]\d)"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def in_words(text: str) -> str:
    """`text` with its numbers in English words."""
    for pattern, spoken in _RULES:
        text = pattern.sub(spoken, text)
    return text


def _cardinal(number: str) -> str:
    whole, _, decimals = number.replace(",", "").partition(".")
    words = str(num2words(int(whole))).replace(",", "")
    return f"{words} point {_digits(decimals)}" if decimals else words


def _digits(number: str) -> str:
    return " ".join(str(num2words(int(digit))) for digit in number)


def _ordinal(number: str) -> str:
    return str(num2words(int(number), to="ordinal")).replace(",", "")


def _year(number: str) -> str:
    return str(num2words(int(number), to="year")).replace(",", "")


def _date(match: re.Match[str]) -> str:
    return f"{_MONTHS[int(match[2]) - 1]} {_ordinal(match[3])}, {_year(match[1])}"


def _time(match: re.Match[str]) -> str:
    hour, minute = _cardinal(str(int(match[1]))), int(match[2])
    if minute == 0:
        return hour if match[3] else f"{hour} o'clock"
    return f"{hour} {'oh ' if minute < 10 else ''}{_cardinal(str(minute))}"


def _money(match: re.Match[str]) -> str:
    one, many, cent, cents = _MONEY[match[1]]
    number, scale = match[2].replace(",", ""), match[3]
    if scale:
        return f"{_cardinal(number)} {scale} {many}"
    whole, _, hundredths = number.partition(".")
    if len(hundredths) not in (0, 2):
        return f"{_cardinal(number)} {many}"
    words = f"{_cardinal(whole)} {one if int(whole) == 1 else many}"
    small = f"{_cardinal(str(int(hundredths or 0)))} {cent if int(hundredths or 0) == 1 else cents}"
    if int(hundredths or 0) == 0:
        return words
    return f"{words} and {small}" if int(whole) else small


def _version(match: re.Match[str]) -> str:
    return ("version " if match[1] else "") + " point ".join(_cardinal(part) for part in match[2].split("."))


def _measure(match: re.Match[str]) -> str:
    return f"{_cardinal(match[1])} {_UNITS[match[2]][match[1] != '1']}"


def _fraction(match: re.Match[str]) -> str:
    above, below = int(match[1]), int(match[2])
    if below == 2:
        return f"{_cardinal(match[1])} {'half' if above == 1 else 'halves'}"
    return f"{_cardinal(match[1])} {_ordinal(match[2])}{'s' * (above != 1)}"


def _rule(pattern: str, spoken: Callable[[re.Match[str]], str]) -> _Rule:
    return re.compile(pattern), spoken


_RULES: tuple[_Rule, ...] = (
    _rule(_START + r"(\d{4})[-/](0?[1-9]|1[0-2])[-/](0?[1-9]|[12]\d|3[01])" + _END, _date),
    _rule(r"(?<![\w.\-%])-(?=\d)", lambda _: "minus "),
    _rule(_START + r"([01]?\d|2[0-3]):([0-5]\d)(?=(\s?[ap]\.?m\b)?)" + _END, _time),
    _rule(r"(?<![A-Za-z])([vV](?:ersion)? ?)(\d+(?:\.\d+)+)" + _END, _version),
    _rule(_START + r"()(\d+(?:\.\d+){2,})" + _END, _version),
    _rule(
        rf"{_START}({_NUMBER})\s?%?\s?[-–]\s?({_NUMBER})\s?%",
        lambda m: f"{_cardinal(m[1])} to {_cardinal(m[2])} percent",
    ),
    _rule(rf"{_START}({_NUMBER})\s?%", lambda m: f"{_cardinal(m[1])} percent"),
    _rule(rf"([$€£¥])\s?({_NUMBER})(?: (thousand|million|billion|trillion))?", _money),
    _rule(_START + r"(\d+)(?:st|nd|rd|th)\b", lambda m: _ordinal(m[1])),
    _rule(_START + r"(1[1-9]\d\d|20\d\d)s\b", lambda m: _plural(_year(m[1]))),
    _rule(_START + r"(?<!,)(?:0\d+|\d{7,})" + _END, lambda m: _digits(m[0])),
    _rule(rf"{_START}({_NUMBER})\s?({'|'.join(map(re.escape, _UNITS))}){_END}", _measure),
    _rule(_START + r"(\d+):(\d+)" + _END, lambda m: f"{_cardinal(m[1])} to {_cardinal(m[2])}"),
    _rule(_START + r"(\d{1,2})/([2-9]|[1-9]\d)" + _END, _fraction),
    _rule(_START + r"(19\d\d|20\d\d)\s?[-–]\s?(19\d\d|20\d\d)(?![\w.%-])", lambda m: f"{_year(m[1])} to {_year(m[2])}"),
    _rule(rf"{_START}({_NUMBER})\s?[-–]\s?({_NUMBER})(?![\w-])", lambda m: f"{_cardinal(m[1])} to {_cardinal(m[2])}"),
    _rule(_START + r"(19\d\d|20\d\d)(?![\w,%]|[.]\d)", lambda m: _year(m[1])),
    _rule(rf"{_START}({_NUMBER}){_END}", lambda m: _cardinal(m[1])),
)


def _plural(words: str) -> str:
    return words[:-1] + "ies" if words.endswith("y") else words + "s"
