"""When a slot counts as hung, look by look; times in seconds."""

from __future__ import annotations

import time

from services.enginekit.progress import ProgressSnapshot
from services.runtime.worker.units import Units
from services.runtime.worker.watchdog import Stalls, _busy_ns

SECOND_NS = 10**9


def slot(
    updated_s: float,
    budget_s: float = 2,
    *,
    waiting: bool = False,
    active: bool = True,
    units: int = 1,
    worked_s: float = 0,
) -> ProgressSnapshot:
    return ProgressSnapshot(
        active=active,
        epoch=1,
        request=1,
        phase="denoise",
        units_done=units,
        units_total=0,
        updated_ns=int(updated_s * SECOND_NS),
        budget_ns=int(budget_s * SECOND_NS),
        waiting=waiting,
        lifetime_units=units,
        worked_ns=int(worked_s * SECOND_NS),
    )


def hung_at(
    now_s: float, *slots: ProgressSnapshot, stalls: Stalls | None = None, since_s: float = 0, standstill: bool = False
) -> set[int]:
    stalls = stalls or Stalls(Units(ceiling_s=30))
    return stalls.hung(slots, int(now_s * SECOND_NS), since_ns=int(since_s * SECOND_NS), standstill=standstill)


def test_time_in_which_the_server_had_to_compute_is_no_pause() -> None:
    before_ns, computed_ns = _busy_ns(), time.thread_time_ns()
    while time.thread_time_ns() - computed_ns < 50_000_000:
        pass
    assert _busy_ns() == 0 or _busy_ns() - before_ns >= 40_000_000


def test_hang_is_work_without_a_unit_within_the_budget() -> None:
    assert hung_at(100, slot(98.1)) == set()
    assert hung_at(100, slot(97.9)) == {0}
    assert hung_at(100, slot(98.1), slot(97.9), slot(99), slot(90)) == {1, 3}
    assert hung_at(100, slot(90, waiting=True), slot(90, active=False)) == set()
    assert hung_at(100, slot(40), since_s=99) == set()  # the watchdog itself was away


def test_another_slot_that_keeps_the_gil_is_no_hang() -> None:
    stalls = Stalls(Units(ceiling_s=30))
    keeper, kept = slot(100, 30), slot(100, 2)
    for now_s in range(101, 110):
        assert hung_at(now_s, keeper, kept, stalls=stalls, standstill=now_s > 101) == set()
    keeper = slot(109, 30, units=2)
    assert hung_at(110, keeper, kept, stalls=stalls) == set()  # it has worked for two seconds of its own
    assert hung_at(110.5, keeper, kept, stalls=stalls) == {1}


def test_allowance_ends_with_the_longest_budget() -> None:
    stalls = Stalls(Units(ceiling_s=30))
    keeper, kept = slot(100, 30), slot(100, 2)
    assert hung_at(101, keeper, kept, stalls=stalls) == set()
    assert hung_at(130, keeper, kept, stalls=stalls, standstill=True) == set()
    assert hung_at(130.1, keeper, kept, stalls=stalls, standstill=True) == {0, 1}


def test_one_slot_is_judged_by_its_own_budget() -> None:
    stalls = Stalls(Units(ceiling_s=30))
    assert hung_at(101.9, slot(100), stalls=stalls, standstill=True) == set()
    assert hung_at(102.1, slot(100), stalls=stalls, standstill=True) == {0}


def test_what_was_excused_ends_with_the_next_unit() -> None:
    stalls = Stalls(Units(ceiling_s=30))
    assert hung_at(101, slot(100, 30), slot(100), stalls=stalls) == set()
    assert hung_at(110, slot(100, 30), slot(100), stalls=stalls, standstill=True) == set()
    assert hung_at(112, slot(112, 30), slot(111, units=2), stalls=stalls) == set()
    assert hung_at(113.1, slot(112, 30), slot(111, units=2), stalls=stalls) == {1}


def test_what_was_excused_stays_so_through_phases_and_waits() -> None:
    stalls = Stalls(Units(ceiling_s=30))
    assert hung_at(101, slot(100, 30), slot(100), stalls=stalls) == set()
    assert hung_at(110, slot(100, 30), slot(100), stalls=stalls, standstill=True) == set()
    assert hung_at(110.9, slot(100, 30), slot(110, worked_s=10), stalls=stalls) == set()
    assert hung_at(111.1, slot(100, 30), slot(110, worked_s=10), stalls=stalls) == {1}


def test_work_before_a_phase_or_a_wait_counts() -> None:
    assert hung_at(100, slot(99, worked_s=0.9)) == set()
    assert hung_at(100, slot(99, worked_s=1.1)) == {0}
    assert hung_at(100, slot(99, worked_s=1.1), since_s=99.5) == set()
