"""What the progress records add up to: units by phase, how long a unit takes, and so when a slot counts as hung."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping

from services.enginekit.progress import ProgressSnapshot

_REMEMBERED_UNITS = 256
_TYPICAL_TO_HUNG = 20  # a unit that takes 20 times the 99th percentile is a hang


class Units:
    """Takes a snapshot of every record at each look of the watchdog, and the exact counts when a call ends."""

    def __init__(self, ceiling_s: float) -> None:
        """`ceiling_s` bounds the budget learned from slow units, not the one that an engine asks for."""
        self._ceiling_s = ceiling_s
        self._unit_s: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED_UNITS))
        self._seen: dict[int, ProgressSnapshot] = {}
        self._ended: Counter[str] = Counter()
        self._running: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._left_out: set[int] = set()
        self._total: Mapping[str, int] = {}

    def total(self) -> Mapping[str, int]:
        """Finished units by phase; never decreases. Of a running call, what was seen so far counts. Thread-safe."""
        return self._total

    def leave_out(self, slot: int) -> None:
        """The call that begins in this slot is a canary: with its units an idle engine would seem to work for a job."""
        self._left_out.add(slot)

    def observe(self, slot: int, now: ProgressSnapshot) -> int:
        """Takes a snapshot of one record; returns how many units were finished since the previous one."""
        finished = self._observe(slot, now)
        self._add_up()
        return finished

    def _observe(self, slot: int, now: ProgressSnapshot) -> int:
        before = self._seen.get(slot)
        self._seen[slot] = now
        if before is None or before.epoch != now.epoch:
            self._running[slot][now.phase] += now.units_done
            return now.lifetime_units
        finished = now.lifetime_units - before.lifetime_units
        if (before.request, before.phase) != (now.request, now.phase) or now.units_done < before.units_done:
            self._running[slot][now.phase] += now.units_done
        elif finished:
            self._running[slot][now.phase] += now.units_done - before.units_done
            self._unit_s[now.phase].append((now.busy_ns - before.busy_ns) / 1e9 / finished)
        return finished

    def call_ended(self, slot: int, units: Mapping[str, int]) -> None:
        """Replaces what was seen of a call by what it really did; call `observe` once more before this."""
        if slot not in self._left_out:
            self._ended.update(units)
        self._left_out.discard(slot)
        self._running.pop(slot, None)
        self._add_up()

    def worker_died(self) -> None:
        """Keeps the units seen of the calls that died with their worker."""
        for units in self._counted():
            self._ended.update(units)
        self._left_out.clear()
        self._running.clear()
        self._seen.clear()
        self._add_up()

    def budget_s(self, snapshot: ProgressSnapshot) -> float:
        """Seconds without a unit that count as a hang: what the engine asked for, or more if its units are slow."""
        unit_s = sorted(self._unit_s[snapshot.phase])
        p99_s = unit_s[int(0.99 * len(unit_s))] if unit_s else 0.0
        return max(snapshot.budget_ns / 1e9, min(self._ceiling_s, _TYPICAL_TO_HUNG * p99_s))

    def _add_up(self) -> None:
        """Replaces the total at once: a scrape in the middle of a change would count units twice or not at all."""
        total = Counter(self._ended)
        for units in self._counted():
            total.update(units)
        self._total = total

    def _counted(self) -> Iterator[Counter[str]]:
        return (units for slot, units in self._running.items() if slot not in self._left_out)
