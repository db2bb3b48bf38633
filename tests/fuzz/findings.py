"""What a malformed input must never bring about, and where it did."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_LEAKS = re.compile(r"Traceback|File \"|\w\.py\b|site-packages|object at 0x|/tmp/|/root/|/home/|/usr/|Error\(")
_MOST_TOLD = 30


def leak_in(told: str) -> str:
    """What of our internals is in an answer; empty for nothing."""
    found = _LEAKS.search(told)
    return found[0] if found else ""


@dataclass
class Findings:
    """Of one run: how many inputs of each kind were tried, what became of them, and what went wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, kind: str, outcome: str) -> None:
        """An input was answered as it should be."""
        self.tried[kind] += 1
        self.outcomes[f"{kind}: {outcome}"] += 1

    def add(self, kind: str, given: object, what: str) -> None:
        """An input that was not."""
        self.tried[kind] += 1
        self.wrong.append(f"{kind}: {what}\n  given {str(given)[:1500]}")

    def report(self) -> str:
        """For people."""
        lines = [f"{count:8} {outcome}" for outcome, count in sorted(self.outcomes.items())]
        total = f"{self.tried.total()} inputs, {len(self.wrong)} amiss"
        return "\n".join([*lines, total, *self.wrong[:_MOST_TOLD]])
