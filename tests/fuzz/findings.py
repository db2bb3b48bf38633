"""What a malformed input must never bring about, and where it did."""

from __future__ import annotations

import re
import threading
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
    """Of one run: how many inputs of each kind were tried, what became of them, and what went wrong. Thread-safe."""

    tried: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    growth: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def note(self, kind: str, outcome: str) -> None:
        """An input was answered as it should be."""
        with self._lock:
            self.tried[kind] += 1
            self.outcomes[f"{kind}: {outcome}"] += 1

    def add(self, kind: str, given: object, what: str) -> None:
        """An input that was not."""
        with self._lock:
            self.tried[kind] += 1
            self.wrong.append(f"{kind}: {what}\n  given {str(given)[:1500]}")

    def report(self) -> str:
        """For people."""
        outcomes = [f"{count:8} {outcome}" for outcome, count in sorted(self.outcomes.items())]
        kinds = [f"{count:8} {kind}" for kind, count in sorted(self.tried.items())]
        total = f"{self.tried.total()} inputs, {len(self.wrong)} amiss"
        parts = ["Answers", *outcomes, "Inputs", *kinds, *self.growth, total, *self.wrong[:_MOST_TOLD]]
        return "\n".join(parts)
