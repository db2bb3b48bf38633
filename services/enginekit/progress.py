"""The progress record: written by the inference loop; health, metrics and progress messages are computed from it.

There is one record per slot, fourteen 64-bit integers in memory shared by the worker (writer) and the server (reader).
A sequence number that is odd during a write makes torn reads detectable (a seqlock). Both sides run on one machine, so
they have the same monotonic clock.
"""

from __future__ import annotations

import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass

from services.base.errors import CancelledError

RECORD_WORDS = 14
_SEQUENCE, _ACTIVITY, _EPOCH, _REQUEST, _DONE, _TOTAL = range(6)
_LIFETIME, _BUSY_NS, _WORKED_NS, _UPDATED_NS, _BUDGET_NS, _PHASE = range(6, 12)
_PHASE_FORMAT = f"<{RECORD_WORDS - _PHASE}q"
_PHASE_BYTES = struct.calcsize(_PHASE_FORMAT)
_IDLE, _WORKING, _WAITING = range(3)
_MOST_PHASES = 16  # without a unit; whoever goes through more of them does not get more time for it


@dataclass(frozen=True)
class ProgressSnapshot:
    """One read of a record; a unit is whatever the phase counts.

    `updated_ns`, on the monotonic clock, is when it was written: after a unit, at the start of a phase, around a wait.
    `worked_ns` is the time worked up to then without a unit; neither a new phase nor a wait ends that.
    `budget_ns` is how long it may be: until this phase has used up what it asked for, or all phases since the last
    unit together what they asked for, each once.
    `waiting` means that the loop waits for its caller to read or send, so it does not hang.
    `lifetime_units` counts all units of the record since the worker started, `busy_ns` the time spent on them.
    """

    active: bool
    epoch: int
    request: int
    phase: str
    units_done: int
    units_total: int
    updated_ns: int
    budget_ns: int
    waiting: bool = False
    lifetime_units: int = 0
    busy_ns: int = 0
    worked_ns: int = 0

    @property
    def working(self) -> bool:
        """Whether the loop is computing, so that units are to be expected."""
        return self.active and not self.waiting

    def age_s(self, now_ns: int) -> float:
        """Seconds of work since the last unit; of a loop that waits or is idle, seconds since it began to be."""
        return (max(0, now_ns - self.updated_ns) + (self.worked_ns if self.working else 0)) / 1e9


class Progress:
    """The engine's side of a record: names the phase of the work, counts its units, and reports cancellation.

    Engines call `phase` when the kind of work changes and `advance` after every unit. `units` counts them by phase.
    """

    def __init__(
        self,
        record: MutableSequence[int] | None = None,
        *,
        epoch: int = 0,
        request: int = 0,
        default_budget_s: float = 10.0,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Writes into `record` (RECORD_WORDS shared 64-bit integers), or into private memory when None."""
        self._record = [0] * RECORD_WORDS if record is None else record
        self._epoch = epoch
        self._request = request
        self._default_budget_s = default_budget_s
        self._cancelled = cancelled or threading.Event()
        self._phase, self._done, self._total, self._budget_s = "", 0, 0, default_budget_s
        self._budgets_s: dict[str, float] = {}
        self._worked_ns = self._worked_before_ns = 0
        self._phase_words = _phase_words("")
        self._activity, self._written_ns = _IDLE, 0
        self.units: Counter[str] = Counter()

    def phase(self, name: str, total_units: int = 0, stall_budget_s: float | None = None) -> None:
        """Starts a phase of `total_units` units (0: unknown). More than the budget without a unit counts as a hang.

        A phase is no unit: whoever goes from phase to phase and finishes nothing gets the budget of each of them once.
        """
        self._phase, self._done, self._total = name, 0, total_units
        self._phase_words = _phase_words(name)
        self._budget_s = self._default_budget_s if stall_budget_s is None else stall_budget_s
        if name in self._budgets_s or len(self._budgets_s) < _MOST_PHASES:
            self._budgets_s[name] = self._budget_s
        self._write(_WORKING, begins=True)

    def advance(self, units: int = 1) -> None:
        """Counts finished units. Raises CancelledError when the caller has gone."""
        self._done += units
        self.units[self._phase] += units
        self._budgets_s = {self._phase: self._budget_s}
        self._write(_WORKING, units)
        self.raise_if_cancelled()

    def raise_if_cancelled(self) -> None:
        """Raises CancelledError when the caller has gone; for loops that wait between units."""
        if self._cancelled.is_set():
            raise CancelledError("The caller cancelled this call.")

    @property
    def units_done(self) -> int:
        """Units finished in this phase."""
        return self._done

    def finish(self) -> None:
        """Marks the record idle; called by the worker when the call has ended."""
        self._write(_IDLE)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around waits for the caller, so that a slow one does not count as a hang. Used by the runtime's streams."""
        self._write(_WAITING)
        try:
            yield
        finally:
            self._write(_WORKING)

    def _write(self, activity: int, units: int = 0, *, begins: bool = False) -> None:
        record, now_ns = self._record, time.monotonic_ns()
        record[_SEQUENCE] += 1
        record[_LIFETIME] += units
        if self._activity == _WORKING:
            record[_BUSY_NS] += now_ns - self._written_ns
            self._worked_ns += now_ns - self._written_ns
        if units:
            self._worked_ns = 0
        if units or begins:
            self._worked_before_ns = self._worked_ns
        self._activity, self._written_ns = activity, now_ns
        record[_ACTIVITY], record[_EPOCH], record[_REQUEST] = activity, self._epoch, self._request
        record[_DONE], record[_TOTAL] = self._done, self._total
        record[_UPDATED_NS], record[_WORKED_NS] = now_ns, self._worked_ns
        record[_BUDGET_NS] = self._budget_ns()
        for index, word in enumerate(self._phase_words, _PHASE):
            record[index] = word
        record[_SEQUENCE] += 1

    def _budget_ns(self) -> int:
        together_ns = int(sum(self._budgets_s.values()) * 1e9)
        return min(together_ns, self._worked_before_ns + int(self._budget_s * 1e9))


def _phase_words(name: str) -> tuple[int, ...]:
    return struct.unpack(_PHASE_FORMAT, name.encode()[:_PHASE_BYTES].ljust(_PHASE_BYTES, b"\0"))


def read_progress(record: MutableSequence[int]) -> ProgressSnapshot | None:
    """Reads a record; None if at each of a few tries the writer was in the middle of writing, or died there."""
    for _ in range(8):
        before = record[_SEQUENCE]
        words = list(record)
        if before % 2 == 0 and record[_SEQUENCE] == before:
            name = struct.pack(_PHASE_FORMAT, *words[_PHASE:])
            return ProgressSnapshot(
                active=words[_ACTIVITY] != _IDLE,
                epoch=words[_EPOCH],
                request=words[_REQUEST],
                phase=name.rstrip(b"\0").decode(errors="replace"),
                units_done=words[_DONE],
                units_total=words[_TOTAL],
                updated_ns=words[_UPDATED_NS],
                budget_ns=words[_BUDGET_NS],
                waiting=words[_ACTIVITY] == _WAITING,
                lifetime_units=words[_LIFETIME],
                busy_ns=words[_BUSY_NS],
                worked_ns=words[_WORKED_NS],
            )
    return None
