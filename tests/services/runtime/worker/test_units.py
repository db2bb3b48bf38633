from __future__ import annotations

import sys
import threading
import time

import pytest

from services.enginekit.progress import RECORD_WORDS, Progress, ProgressSnapshot, read_progress
from services.runtime.worker.units import Units

SECOND_NS = 10**9


def snapshot(
    units: int,
    *,
    busy_s: float = 0,
    phase: str = "denoise",
    request: int = 1,
    epoch: int = 1,
    lifetime: int = -1,
    age_s: float = 0,
    waiting: bool = False,
) -> ProgressSnapshot:
    return ProgressSnapshot(
        active=True,
        epoch=epoch,
        request=request,
        phase=phase,
        units_done=units,
        units_total=0,
        updated_ns=100 * SECOND_NS - int(age_s * SECOND_NS),
        budget_ns=2 * SECOND_NS,
        waiting=waiting,
        lifetime_units=units if lifetime < 0 else lifetime,
        busy_ns=int(busy_s * SECOND_NS),
    )


def test_budget_is_what_the_engine_asked_for_until_units_prove_slower() -> None:
    units = Units(ceiling_s=30)
    assert units.budget_s(snapshot(0)) == 2
    units.observe(1, snapshot(0))
    units.observe(1, snapshot(10, busy_s=0.5))
    assert units.budget_s(snapshot(10)) == 2  # 20 times 50 ms is less
    units.observe(1, snapshot(11, busy_s=1.5))
    assert units.budget_s(snapshot(11)) == 20  # 20 times a second
    assert units.budget_s(snapshot(11, phase="decode")) == 2
    units.observe(1, snapshot(12, busy_s=11.5))
    assert units.budget_s(snapshot(12)) == 30  # the ceiling


def test_time_of_a_unit_leaves_out_waits_for_the_caller() -> None:
    units = Units(ceiling_s=300)
    units.observe(1, snapshot(1, busy_s=1, age_s=60))
    units.observe(1, snapshot(2, busy_s=1.01, age_s=0))
    assert units.budget_s(snapshot(2)) == 2


def test_total_counts_what_was_seen_and_is_exact_when_the_call_ends() -> None:
    units = Units(ceiling_s=30)
    units.observe(1, snapshot(3, phase="denoise"))
    assert units.total() == {"denoise": 3}
    units.observe(1, snapshot(1, phase="decode", lifetime=6))  # two denoise steps were missed
    assert units.total() == {"denoise": 3, "decode": 1}
    units.observe(1, snapshot(2, phase="decode", lifetime=7))
    units.call_ended(1, {"denoise": 5, "decode": 2})
    assert units.total() == {"denoise": 5, "decode": 2}
    units.observe(1, snapshot(2, phase="decode", lifetime=7))  # the record as the call left it
    assert units.total() == {"denoise": 5, "decode": 2}
    units.observe(1, snapshot(1, phase="denoise", request=2, lifetime=8))
    assert units.total() == {"denoise": 6, "decode": 2}


def test_total_never_falls_for_a_thread_that_looks_at_any_moment() -> None:
    units, seen, ended = Units(ceiling_s=30), [0], threading.Event()

    def scrape() -> None:
        while not ended.is_set():
            seen.append(units.total().get("denoise", 0))

    scraping = threading.Thread(target=scrape)
    scraping.start()
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    for call in range(1, 60_000):
        units.observe(1, snapshot(3, request=call, lifetime=3 * call))
        units.call_ended(1, {"denoise": 3})
    sys.setswitchinterval(interval_s)
    ended.set()
    scraping.join()
    assert seen == sorted(seen)


def test_dead_worker_keeps_its_units_and_the_next_starts_from_nothing() -> None:
    units = Units(ceiling_s=30)
    assert units.observe(1, snapshot(3)) == 3
    units.worker_died()
    assert units.observe(1, snapshot(0, epoch=2)) == 0
    assert units.observe(1, snapshot(1, epoch=2)) == 1
    assert units.total() == {"denoise": 4}


def test_record_tells_what_progress_wrote() -> None:
    record = [0] * RECORD_WORDS
    progress = Progress(record, epoch=3, request=7, default_budget_s=10)
    progress.phase("synthesize speech", 40, 2.5)
    progress.advance(2)
    progress.advance()
    read = read_progress(record)
    assert read is not None
    assert (read.active, read.epoch, read.request, read.units_done, read.units_total) == (True, 3, 7, 3, 40)
    assert (read.phase, read.budget_ns, read.lifetime_units) == ("synthesize speech", int(2.5e9), 3)
    with progress.waiting():
        waiting = read_progress(record)
        assert waiting is not None
        assert waiting.waiting
    progress.finish()
    done = read_progress(record)
    assert done is not None
    assert not done.active
    assert progress.units == {"synthesize speech": 3}


@pytest.mark.parametrize(
    "name", ["", "a", "sixteen letters!", "a name that is longer than the record", "Größe", "说话"]
)
def test_phase_names_survive_the_record(name: str) -> None:
    record = [0] * RECORD_WORDS
    Progress(record).phase(name)
    read = read_progress(record)
    assert read is not None
    assert name.startswith(read.phase.rstrip("\ufffd"))
    assert read.phase[:5] == name[:5]


def test_writer_that_died_inside_leaves_no_half_read() -> None:
    record = [0] * RECORD_WORDS
    Progress(record).phase("x")
    record[0] += 1
    assert read_progress(record) is None


def test_neither_a_phase_nor_a_wait_is_progress() -> None:
    record = [0] * RECORD_WORDS
    progress = Progress(record, default_budget_s=2)
    progress.phase("read")
    progress.phase("think", stall_budget_s=5)
    with progress.waiting():
        pass
    read = read_progress(record)
    assert read is not None
    assert 0 < read.worked_ns == read.busy_ns
    assert 0 < read.budget_ns - 5 * SECOND_NS < read.worked_ns  # its own, from where it began
    progress.advance()
    read = read_progress(record)
    assert read is not None
    assert (read.worked_ns, read.budget_ns) == (0, 5 * SECOND_NS)


def test_who_goes_from_phase_to_phase_gets_each_budget_once() -> None:
    record = [0] * RECORD_WORDS
    progress = Progress(record, default_budget_s=0.01)
    for _ in range(3):
        progress.phase("read")
        progress.phase("think")
        time.sleep(0.01)  # that long it has worked in vain
    read = read_progress(record)
    assert read is not None
    assert read.budget_ns == 20_000_000 < read.worked_ns + 10_000_000


def test_phases_without_end_give_no_time_without_end() -> None:
    record = [0] * RECORD_WORDS
    progress = Progress(record, default_budget_s=1)
    for number in range(1000):
        progress.phase(f"phase {number}")
    read = read_progress(record)
    assert read is not None
    assert read.budget_ns < 20 * SECOND_NS


def test_a_canary_is_counted_nowhere_and_what_comes_after_it_is() -> None:
    units = Units(ceiling_s=30)
    units.leave_out(1)
    units.observe(1, snapshot(2))
    assert not units.total()
    units.call_ended(1, {"denoise": 3})
    units.observe(1, snapshot(1, request=2))
    assert units.total() == {"denoise": 1}
    units.leave_out(2)
    units.observe(2, snapshot(4))
    units.worker_died()
    assert units.total() == {"denoise": 1}
