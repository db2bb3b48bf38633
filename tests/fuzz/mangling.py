"""Data that is nearly right: bytes and JSON with a few things changed, pieces of scripts in any order, odd numbers."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

NUMBERS = (0, 1, -1, 2**7, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 10**9, 25)
FRACTIONS = (0.0, -0.0, 0.5, 1.0, -1.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"))
PIECES = (
    *("大家好", "。", "，", "Hello", " ", "\n", ".", "!", "?", "...", "…", "[重庆|chóng qìng]", "[", "]", "|", "\\"),
    *("[pause 2s]", "[停顿 1]", "<break time='1s'/>", "**", "# ", "- ", "`", "```", "http://a.b/c?d=e", "a@b.cn"),
    *("1,234.56", "95%", "2024年3月5日", "12:30", "¥100", "$5", "3/4", "1e9", "+86 138 0013 8000", "-", "–", "①"),
    *("\u200d", "\ufe0f", "👍🏽", "🇨🇳", "\u0301", "ﷺ", "\u3000", "\u00a0", "م", "ไทย", "한국", "é", "ß", "İ", "ǅ"),
    *("重庆=chóng", "=", "/", "'", '"', "{", "}", "<", ">", "&amp;", "AI", "GPT-4", "iPhone15", "°C", "km/h", "№"),
)
"""What scripts are made of."""
BREAKERS = ("\u202e", "\ufeff", "\0", "\x1b[31m", "\ud7ff", "\U0010ffff", "字" * 400, "a" * 400, "[" * 200, "1" * 200)
"""What breaks those who read them, if little else does."""


class Mangler:
    """All of its choices follow from the seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def data(self, whole: bytes) -> bytes:
        """`whole` with one to eight places changed, cut out, repeated or cut off; now and then something else."""
        if self.chance.random() < 0.02:
            return self.chance.randbytes(self.chance.randrange(200))
        mangled = bytearray(whole)
        for _ in range(self.chance.randint(1, 8)):
            self._change(mangled)
        return bytes(mangled)

    def text(self, most: int = 40) -> str:
        """Pieces of scripts, one after another; in some, something that does not belong there."""
        pieces = self.chance.choices(PIECES, k=self.chance.randint(0, most))
        if self.chance.random() < 0.1:
            pieces.append(self.chance.choice(BREAKERS))
            self.chance.shuffle(pieces)
        return "".join(pieces)

    def scalar(self) -> Any:
        """Of any type that JSON has."""
        choices: Sequence[Any] = (*NUMBERS, *FRACTIONS, None, True, False, self.text(5), [], {}, "#ff0000", "x" * 5000)
        return self.chance.choice(choices)

    def tree(self, whole: Any) -> str:
        """JSON of `whole` with some of its values replaced, removed or added; now and then no JSON."""
        told = json.dumps(self._grown(whole))
        return self.data(told.encode()).decode(errors="replace") if self.chance.random() < 0.2 else told

    def _change(self, data: bytearray) -> None:
        place = self.chance.randrange(len(data) + 1)
        length = min(self.chance.choice((1, 1, 2, 4, 16, 256)), len(data) - place)
        match self.chance.randrange(5):
            case 0:
                data[place : place + length] = self.chance.randbytes(length)
            case 1:
                del data[place : place + length]
            case 2:
                data[place:place] = data[place : place + length]
            case 3:
                data[place : place + length] = self.chance.choice((b"\x00", b"\xff", b"\x7f")) * length
            case _ if self.chance.random() < 0.3:
                del data[place:]

    def _grown(self, value: Any) -> Any:
        if self.chance.random() < 0.01:
            return self.scalar()
        if isinstance(value, dict):
            grown = {key: self._grown(inner) for key, inner in value.items() if self.chance.random() > 0.005}
            return grown | ({self.text(2): self.scalar()} if self.chance.random() < 0.01 else {})
        return [self._grown(inner) for inner in value] if isinstance(value, list) else value
