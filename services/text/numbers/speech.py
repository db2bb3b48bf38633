"""What a language has to know to say numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal

SCALES = {
    "k": 10**3,
    "K": 10**3,
    "thousand": 10**3,
    "万": 10**4,
    "M": 10**6,
    "m": 10**6,
    "million": 10**6,
    "亿": 10**8,
    "万亿": 10**12,
    "B": 10**9,
    "b": 10**9,
    "bn": 10**9,
    "billion": 10**9,
    "T": 10**12,
    "trillion": 10**12,
}
"""Factors of the words and letters after an amount of money."""


class Speech(ABC):
    """Numbers, as parts of what was written, in the words of one language. Numbers are strings such as "1,234.50"."""

    signs: Mapping[str, str]
    """Words of signs before or between numbers: "-" (minus), "to", "ratio", "per", "+", "±", ..."""
    between: str
    """What stands between two words."""

    @abstractmethod
    def cardinal(self, number: str) -> str:
        """A quantity."""

    @abstractmethod
    def counted(self, number: str) -> str:
        """A quantity before what is counted."""

    @abstractmethod
    def digits(self, number: str) -> str:
        """Digit by digit."""

    @abstractmethod
    def phone(self, groups: Sequence[str]) -> str:
        """A number that one dials or types."""

    @abstractmethod
    def ordinal(self, number: str) -> str:
        """First, second, ..."""

    @abstractmethod
    def year(self, number: str) -> str:
        """A year of two or four digits."""

    @abstractmethod
    def decade(self, number: str) -> str:
        """The ten years that begin with this one."""

    @abstractmethod
    def date(self, year: str, month: int, day: int) -> str:
        """A day, or a month where `day` is 0; `year` may be empty."""

    @abstractmethod
    def clock(self, hour: int, minute: int, second: int | None, half: str) -> str:
        """A time of day; `half` is "am", "pm" or ""."""

    @abstractmethod
    def share(self, number: str, upper: str, of: int) -> str:
        """Percent (`of` 100) or permille (1000), up to `upper` unless that is empty."""

    @abstractmethod
    def money(self, number: str, upper: str, scale: str, currency: str) -> str:
        """An amount, up to `upper` unless that is empty, with a key of SCALES or ""."""

    @abstractmethod
    def measure(self, number: str, unit: str) -> str:
        """A quantity of one of `tables.UNITS`."""

    @abstractmethod
    def fraction(self, above: str, below: str) -> str:
        """Parts of a whole."""

    @abstractmethod
    def mixed(self, whole: str, above: str, below: str) -> str:
        """A whole number and a fraction."""

    @abstractmethod
    def unit(self, unit: str) -> str:
        """The singular name of one of `tables.UNITS`."""

    @abstractmethod
    def power(self, base: str, exponent: str) -> str:
        """`base` to a power."""

    @abstractmethod
    def round_the_clock(self) -> str:
        """24/7."""

    @abstractmethod
    def numbered(self, number: str) -> str:
        """No. 5, #5."""

    def point(self, parts: Sequence[str]) -> str:
        """A version: numbers with points between."""
        words = (self.digits(part) if part[:1] == "0" or len(part) > 2 else self.cardinal(part) for part in parts)
        return f"{self.between}{self.signs['.']}{self.between}".join(words)

    def address(self, parts: Sequence[str]) -> str:
        """An IP address."""
        return f"{self.between}{self.signs['dot']}{self.between}".join(map(self.digits, parts))


def scaled(number: str, scale: str) -> str:
    """`number` times its scale, without zeros at its end: "3.5", "M" is 3500000."""
    product = Decimal(number.replace(",", "")) * SCALES[scale]
    return f"{product.to_integral() if product == product.to_integral() else product.normalize():f}"
