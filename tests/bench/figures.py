"""What a bench reports: ratios of two things measured side by side in one run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "tests" / "bench" / "RESULTS.md"
NONE = "-"
_REACHED = {True: "yes", False: "no", None: NONE}
BEGIN, END = "<!-- ratios -->", "<!-- /ratios -->"


@dataclass(frozen=True)
class Figure:
    """A figure, what it should reach (such as ">= 0.85"), and under which conditions it was measured.

    `value` is None for one that could not be measured here, `target` NONE for one that is told for scale alone.
    """

    name: str
    value: float | None
    target: str
    conditions: str

    @property
    def reached(self) -> bool | None:
        """Whether the target is met; None where there is nothing to compare."""
        if self.target == NONE or self.value is None:
            return None
        sign, limit = self.target.split()
        return self.value >= float(limit) if sign == ">=" else self.value <= float(limit)


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    return "\n".join(
        ["| figure | value | to reach | reached | conditions |", "|---|---|---|---|---|", *map(_row, figures)]
    )


def _row(figure: Figure) -> str:
    reached = _REACHED[figure.reached]
    return f"| `{figure.name}` | {_shown(figure.value)} | {figure.target} | {reached} | {figure.conditions} |"


def _shown(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"


def machine() -> str:
    """The conditions that all figures share."""
    memory_gib = psutil.virtual_memory().total / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{cores} cores, {memory_gib:.0f} GiB, {platform.machine()}, Python {platform.python_version()}, no GPU"


def keep(figures: Sequence[Figure]) -> None:
    """Writes out/bench.json and the table in RESULTS.md."""
    (ROOT / "out").mkdir(exist_ok=True)
    data = {"machine": machine(), "figures": [asdict(figure) for figure in figures]}
    (ROOT / "out" / "bench.json").write_text(json.dumps(data, indent=2), encoding="utf-8")
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    day = datetime.now(UTC).date().isoformat()
    RESULTS.write_text(
        f"{before}{BEGIN}\nLast run of `make bench`: {day}, {machine()}.\n\n{table(figures)}\n{END}{after}",
        encoding="utf-8",
    )
