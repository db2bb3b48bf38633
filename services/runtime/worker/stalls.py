"""Which slots hang: those that work and have finished no unit within their budget.

Time in which the worker's Python stood still is not held against a slot: C code of another slot may have kept the GIL.
Who keeps it cannot be seen, so that patience ends with the longest budget of all slots that work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.enginekit.progress import ProgressSnapshot
from services.runtime.worker.units import Units


class Stalls:
    """Judges all slots at every look of the watchdog. Times are on the monotonic clock."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._excused_ns: dict[tuple[int, int], int] = {}
        self._looked_ns = 0

    def hung(
        self, snapshots: Sequence[ProgressSnapshot], now_ns: int, *, since_ns: int = 0, standstill: bool = False
    ) -> set[int]:
        """Numbers of the slots that hang; no slot's time counts from before `since_ns`.

        `standstill`: the thread that takes calls has not answered since the look before.
        """
        working = {number: snapshot for number, snapshot in enumerate(snapshots) if snapshot.working}
        self._excuse(working, now_ns - self._looked_ns if standstill else 0)
        self._looked_ns = now_ns
        longest_s = max((self._units.budget_s(snapshot) for snapshot in working.values()), default=0.0)
        hung = set()
        for number, snapshot in working.items():
            without_unit_ns = now_ns - max(snapshot.updated_ns, since_ns)
            own_s = (without_unit_ns - self._excused_ns[number, snapshot.updated_ns]) / 1e9
            if own_s > self._units.budget_s(snapshot) or without_unit_ns / 1e9 > longest_s:
                hung.add(number)
        return hung

    def _excuse(self, working: Mapping[int, ProgressSnapshot], elapsed_ns: int) -> None:
        """Adds to the excuse of each slot; one that has finished a unit since, or is new, begins without."""
        excused = ((number, snapshot.updated_ns) for number, snapshot in working.items())
        self._excused_ns = {key: self._excused_ns.get(key, 0) + elapsed_ns for key in excused}
