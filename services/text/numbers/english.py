"""Numbers in English."""

from __future__ import annotations

from collections.abc import Sequence

from services.text.numbers.speech import SCALES, Speech, scaled
from services.text.numbers.tables import CURRENCIES, MONTHS, UNITS

_LONGEST_QUANTITY = 27  # digits; longer ones are read digit by digit
_NAMES_OF_SCALES = {SCALES[name]: name for name in ("thousand", "million", "billion", "trillion")}

_SIGNS = {
    "-": "minus",
    "colon": "colon",
    "+": "plus",
    "±": "plus or minus",
    "plus": "plus",
    "less": "minus",
    "times": "times",
    "by": "by",
    "divided": "divided by",
    "equals": "equals",
    "≥": "at least",
    "≤": "at most",
    ">": "more than",
    "<": "less than",
    "≈": "about",
    "~": "about",
    "to": "to",
    "ratio": "to",
    "per": "per",
    ".": "point",
    "dot": "dot",
}


class English(Speech):
    """American English: years in pairs, "and" after hundreds."""

    between = " "
    signs = _SIGNS

    def cardinal(self, number: str) -> str:
        """128.5 is one hundred and twenty-eight point five."""
        whole, _, decimals = number.replace(",", "").partition(".")
        words = _words(whole) if len(whole) <= _LONGEST_QUANTITY else self.digits(whole)
        return f"{words} point {self.digits(decimals)}" if decimals else words

    def counted(self, number: str) -> str:
        """As any quantity."""
        return self.cardinal(number)

    def digits(self, number: str) -> str:
        """128 is one two eight."""
        return " ".join(_words(digit) for digit in number)

    def phone(self, groups: Sequence[str]) -> str:
        """400-800-1234 with pauses."""
        return ", ".join(map(self.digits, groups))

    def ordinal(self, number: str) -> str:
        """21 is twenty-first."""
        return _words(number, "ordinal") if len(number) <= _LONGEST_QUANTITY else self.digits(number)

    def year(self, number: str) -> str:
        """1998 is nineteen ninety-eight."""
        return _words(number, "year")

    def decade(self, number: str) -> str:
        """1990 is nineteen nineties."""
        words = self.year(number)
        return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"

    def date(self, year: str, month: int, day: int) -> str:
        """May first, twenty twenty-four."""
        words = MONTHS[month - 1] + (f" {self.ordinal(str(day))}" if day else "")
        return f"{words}{', ' if day else ' '}{self.year(year)}" if year else words

    def days(self, first: str, last: str, year: str) -> str:
        """May fifth to seventh, twenty twenty-four; `first` in words."""
        words = f"{first} to {self.ordinal(last)}"
        return f"{words}, {self.year(year)}" if year else words

    def clock(self, hour: int, minute: int, second: int | None, half: str) -> str:
        """Nine oh five am."""
        words = _words(str(hour))
        if minute or second:
            words += f" {self._two_digits(minute)}"
        elif not half:
            words += " o'clock"
        if second is not None:
            words += f" and {_words(str(second))} second{'s' * (second != 1)}"
        return f"{words} {half}" if half else words

    def share(self, number: str, upper: str, of: int) -> str:
        """Three to five percent."""
        words = " to ".join(self.cardinal(part) for part in (number, upper) if part)
        return f"{words} {'percent' if of == 100 else 'per mille'}"

    def money(self, number: str, upper: str, scale: str, currency: str) -> str:
        """Three dollars and fifty cents, three point five million dollars."""
        _, _, many, _, _ = CURRENCIES[currency]
        if name := _NAMES_OF_SCALES.get(SCALES.get(scale, 0)):
            return f"{' to '.join(self.cardinal(part) for part in (number, upper) if part)} {name} {many}"
        amounts = [scaled(amount, scale) if scale else amount for amount in (number, upper) if amount]
        return (
            f"{self.cardinal(amounts[0])} to {self.cardinal(amounts[1])} {many}"
            if upper
            else (self._amount(amounts[0], currency))
        )

    def measure(self, number: str, unit: str) -> str:
        """One kilogram, five kilometers."""
        name = UNITS[unit][1 if number == "1" else 2]
        return f"{self.cardinal(number)} {name}" if number else name

    def fraction(self, above: str, below: str) -> str:
        """One half, three fourths."""
        if below == "2":
            return f"{self.cardinal(above)} {'half' if above == '1' else 'halves'}"
        return f"{self.cardinal(above)} {self.ordinal(below)}{'s' * (above != '1')}"

    def mixed(self, whole: str, above: str, below: str) -> str:
        """Three and one half."""
        return f"{self.cardinal(whole)} and {self.fraction(above, below)}"

    def unit(self, unit: str) -> str:
        """Kilometer."""
        return UNITS[unit][1]

    def power(self, base: str, exponent: str) -> str:
        """Ten to the power of six, x squared."""
        if short := {"2": "squared", "3": "cubed"}.get(exponent):
            return f"{base} {short}"
        size = exponent.lstrip("-")
        return (
            f"{base} to the power of {'minus ' * (size != exponent)}{self.cardinal(size) if size.isdigit() else size}"
        )

    def round_the_clock(self) -> str:
        """24/7."""
        return "twenty-four seven"

    def numbered(self, number: str) -> str:
        """#5 is number five."""
        return f"number {self.cardinal(number)}"

    def _amount(self, number: str, currency: str) -> str:
        _, one, many, cent, cents = CURRENCIES[currency]
        whole, _, hundredths = number.replace(",", "").partition(".")
        if len(hundredths) not in (0, 2):
            return f"{self.cardinal(number)} {many}"
        words = f"{self.cardinal(whole)} {one if int(whole) == 1 else many}"
        if not int(hundredths or 0):
            return words
        small = f"{_words(hundredths)} {cent if int(hundredths) == 1 else cents}"
        return f"{words} and {small}" if int(whole) else small

    def _two_digits(self, number: int) -> str:
        return ("oh " if number < 10 else "") + _words(str(number))


def _words(number: str, kind: str = "cardinal") -> str:
    from num2words import num2words  # loads forty languages

    return str(num2words(int(number), to=kind)).replace(",", "")
