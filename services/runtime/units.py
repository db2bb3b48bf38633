"""What the progress records add up to: units by phase, how long a unit takes, and from that the stall budget."""

from __future__ import annotations

from collections import Counter, defaultdict, deque

from services.runtime.progress import ProgressSnapshot

_REMEMBERED_UNITS = 256
_TYPICAL_TO_HUNG = 20  # a unit that takes 20 times the 99th percentile is a hang


class Units:
    """Fed with snapshots of all records, as often as the watchdog looks and whenever a call ends."""

    def __init__(self, ceiling_s: float) -> None:
        """`ceiling_s` bounds what is learned, not what an engine asks for."""
        self.total: Counter[str] = Counter()
        self._ceiling_s = ceiling_s
        self._unit_s: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_REMEMBERED_UNITS))
        self._seen: dict[int, ProgressSnapshot] = {}

    def observe(self, slot: int, now: ProgressSnapshot) -> int:
        """Takes one look at a record; returns how many units were finished since the look before."""
        before = self._seen.get(slot)
        self._seen[slot] = now
        if before is None or before.epoch != now.epoch:
            before_units, same_phase = 0, False
        else:
            before_units = before.lifetime_units
            same_phase = (before.request, before.phase) == (now.request, now.phase)
        finished = now.lifetime_units - before_units
        if finished:
            self.total[now.phase] += finished
        if finished and same_phase and before is not None:
            self._unit_s[now.phase].append((now.busy_ns - before.busy_ns) / 1e9 / finished)
        return finished

    def budget_s(self, snapshot: ProgressSnapshot) -> float:
        """Seconds without a unit that count as a hang: what the engine asked for, more where units are slow."""
        unit_s = sorted(self._unit_s[snapshot.phase])
        p99_s = unit_s[int(0.99 * len(unit_s))] if unit_s else 0.0
        return max(snapshot.budget_ns / 1e9, min(self._ceiling_s, _TYPICAL_TO_HUNG * p99_s))

    def stalled(self, snapshot: ProgressSnapshot, now_ns: int) -> bool:
        """Whether the engine works and has finished no unit within its budget."""
        return snapshot.active and not snapshot.waiting and snapshot.age_s(now_ns) > self.budget_s(snapshot)
