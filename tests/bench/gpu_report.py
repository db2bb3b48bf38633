"""The table of the GPU bench: each case measured if the time allows, and said if not; an error costs its own row."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from services.base.errors import VigentError
from services.enginekit.device import is_out_of_memory
from tests.bench.limits_cost import header, row

Made = TypeVar("Made")


class TimeUsedUpError(BaseException):
    """A case did not end in time; no Exception, because compilers catch those and say something else."""


class Report:
    """Rows of one run, which ends within `budget_s`."""

    def __init__(self, budget_s: float) -> None:
        self._end_s = time.monotonic() + budget_s
        self._rows: list[str] = []

    def case(self, bench: str, name: str, measure: Callable[[], str], needs_s: float = 1.0) -> None:
        """Adds the row of `measure`, which gives the figures in words; left out with less than `needs_s` to go."""
        left_s = self._end_s - time.monotonic()
        if left_s < needs_s:
            figures = f"not run: {max(left_s, 0):.0f} s are left, {needs_s:.0f} s are needed"
        else:
            figures = self._measured(measure, left_s)
        self._rows.append(row(bench, name, figures.replace("|", "/")))
        print(self._rows[-1], flush=True)

    def make(self, bench: str, build: Callable[[], Made]) -> Made | None:
        """What `build` makes; None, and a row that says why, where it cannot."""
        made: list[Made] = []

        def networks() -> str:
            begun = time.monotonic()
            with torch.inference_mode(mode=False):  # as engines load them
                made.append(build())
            return f"made in {time.monotonic() - begun:.1f} s"

        self.case(bench, "networks of random weights", networks, needs_s=10.0)
        return made[0] if made else None

    def table(self) -> str:
        """All rows."""
        return "\n".join([*header("bench", "case", "measured"), *self._rows])

    @staticmethod
    def _measured(measure: Callable[[], str], left_s: float) -> str:
        try:
            with torch.inference_mode(), _at_most(left_s):
                return measure()
        except TimeUsedUpError:
            return "stopped: the time is used up"
        except (ImportError, VigentError) as error:
            return f"not run: {error}"
        except Exception as error:
            if is_out_of_memory(error):
                return "not possible: the device's memory is used up"
            traceback.print_exc(file=sys.stderr)
            return f"failed: {type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises TimeUsedUpError inside when it takes longer. Main thread only."""

    def stop(*_: object) -> None:
        raise TimeUsedUpError

    before = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)  # a test's own limit
