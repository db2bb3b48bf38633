"""Numbers in Chinese."""

from __future__ import annotations

from collections.abc import Sequence

from services.text.numbers.speech import Speech, scaled
from services.text.numbers.tables import CURRENCIES, UNITS

_DIGITS = "零一二三四五六七八九"
_HAN_SCALES = ("万", "亿", "万亿")
_LONGEST_QUANTITY = 16  # digits, cn2an's limit

_SIGNS = {
    "-": "负",
    "+": "正",
    "±": "正负",
    "plus": "加",
    "less": "减",
    "times": "乘",
    "by": "乘",
    "divided": "除以",
    "equals": "等于",
    "≥": "大于等于",
    "≤": "小于等于",
    ">": "大于",
    "<": "小于",
    "≈": "约等于",
    "~": "约",
    "to": "到",
    "ratio": "比",
    "per": "每",
    ".": "点",
    "colon": "冒号",
    "dot": "点",
}


class Chinese(Speech):
    """Years and dialled numbers digit by digit, the rest as quantities."""

    between = ""
    signs = _SIGNS

    def cardinal(self, number: str) -> str:
        """128.50 is 一百二十八点五零."""
        whole, _, decimals = number.replace(",", "").partition(".")
        import cn2an  # builds patterns of all that it can read, for 0.2 s

        words = str(cn2an.an2cn(whole, "low")) if len(whole) <= _LONGEST_QUANTITY else self.digits(whole)
        return f"{words}点{self.digits(decimals)}" if decimals else words

    def counted(self, number: str) -> str:
        """2 is 两."""
        return "两" if number == "2" else self.cardinal(number)

    def digits(self, number: str) -> str:
        """128 is 一二八."""
        return "".join(_DIGITS[int(digit)] for digit in number)

    def phone(self, groups: Sequence[str]) -> str:
        """110 is 幺幺零."""
        return self.digits("".join(groups)).replace("一", "幺")

    def ordinal(self, number: str) -> str:
        """1st is 第一."""
        return f"第{self.cardinal(number)}"

    def year(self, number: str) -> str:
        """2024 is 二零二四."""
        return self.digits(number)

    def decade(self, number: str) -> str:
        """1990 is 一九九零年代, 90 is 九十年代, 00 is 零零年代."""
        by_digits = len(number) == len("1990") or number == "00"
        return f"{self.digits(number) if by_digits else self.cardinal(number)}年代"

    def date(self, year: str, month: int, day: int) -> str:
        """二零二四年五月一日."""
        return (
            (f"{self.year(year)}年" if year else "")
            + f"{self.cardinal(str(month))}月"
            + (f"{self.cardinal(str(day))}日" if day else "")
        )

    def clock(self, hour: int, minute: int, second: int | None, half: str) -> str:
        """九点零五分."""
        words = {"am": "上午", "pm": "下午"}.get(half, "") + f"{self.counted(str(hour))}点"
        if minute or second:
            words += f"{self._two_digits(minute)}分"
        return words if second is None else f"{words}{self._two_digits(second)}秒"

    def share(self, number: str, upper: str, of: int) -> str:
        """百分之三到五."""
        amount = "百" if (number, upper, of) == ("100", "", 100) else self.cardinal(number)
        words = f"{'百' if of == 100 else '千'}分之{amount}"
        return f"{words}到{self.cardinal(upper)}" if upper else words

    def money(self, number: str, upper: str, scale: str, currency: str) -> str:
        """三百五十万美元, 一点二亿元."""
        amounts = [self._amount(amount, scale) for amount in (number, upper) if amount]
        return "到".join(amounts) + (scale if scale in _HAN_SCALES else "") + CURRENCIES[currency][0]

    def measure(self, number: str, unit: str) -> str:
        """两公斤, 二摄氏度."""
        name = UNITS[unit][0]
        amount = self.cardinal(number) if number and name.endswith("氏度") else number and self.counted(number)
        return amount + name

    def fraction(self, above: str, below: str) -> str:
        """二分之一."""
        return f"{self.cardinal(below)}分之{self.cardinal(above)}"

    def mixed(self, whole: str, above: str, below: str) -> str:
        """三又二分之一."""
        return f"{self.cardinal(whole)}又{self.fraction(above, below)}"

    def unit(self, unit: str) -> str:
        """公里."""
        return UNITS[unit][0]

    def power(self, base: str, exponent: str) -> str:
        """十的六次方, 五的平方, x平方, x立方."""
        if short := {"2": "平方", "3": "立方" if base.isascii() else ""}.get(exponent):
            return f"{base}{'的' * (not base.isascii())}{short}"
        size = exponent.lstrip("-")
        return f"{base}的{'负' * (size != exponent)}{self.cardinal(size) if size.isdigit() else size}次方"

    def round_the_clock(self) -> str:
        """24/7."""
        return "七乘二十四小时"

    def numbered(self, number: str) -> str:
        """No. 5 is 五号."""
        return f"{self.cardinal(number)}号"

    def _amount(self, number: str, scale: str) -> str:
        return self.counted(number if scale in ("", *_HAN_SCALES) else scaled(number, scale))

    def _two_digits(self, number: int) -> str:
        return ("零" if 0 < number < 10 else "") + self.cardinal(str(number))
