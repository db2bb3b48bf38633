from __future__ import annotations

import pytest

from services.base.errors import FailedPreconditionError
from services.runtime.worker.restarts import Quarantine, Restarts, died_by_itself, request_key
from services.tts.engine import Synthesis


def test_deaths_are_allowed_up_to_the_limit() -> None:
    restarts = Restarts(limit=2, reload_pause_s=5)
    for rests in (False, False, True):
        restarts.died()
        assert (restarts.rest_s > 0) is rests


def test_it_rests_until_enough_deaths_are_out_of_the_window() -> None:
    restarts = Restarts(limit=1, reload_pause_s=5, window_s=100)
    for _ in range(5):
        restarts.died()
    assert 99 < restarts.rest_s <= 100


@pytest.mark.parametrize(
    ("exit_code", "oom_kills", "itself"),
    [(3, 0, True), (-11, 0, True), (-6, 1, True), (-9, 0, False), (-15, 1, False), (-9, 1, True)],
)
def test_only_a_worker_that_died_by_itself_tells_something_of_its_request(
    exit_code: int, oom_kills: int, itself: bool
) -> None:
    assert died_by_itself(exit_code, oom_kills) is itself


def test_two_deaths_without_a_unit_are_fruitless() -> None:
    restarts = Restarts(limit=5, reload_pause_s=5)
    restarts.died()
    restarts.unit_finished()
    restarts.died()
    assert not restarts.fruitless
    restarts.died()
    assert restarts.fruitless
    restarts.unit_finished()
    assert not restarts.fruitless


def test_pauses_grow_from_the_second_fruitless_death() -> None:
    restarts = Restarts(limit=50, reload_pause_s=5)
    pauses_s = []
    for _ in range(12):
        restarts.died()
        pauses_s.append(restarts.pause_s)
    assert pauses_s[:4] == [0.0, 0.5, 1.0, 2.0]
    assert pauses_s[-1] == 30.0


def test_what_cannot_be_loaded_is_tried_for_ever_and_ever_more_rarely() -> None:
    restarts = Restarts(limit=0, reload_pause_s=5)
    pauses_s = []
    for _ in range(6):
        restarts.load_failed()
        pauses_s.append(restarts.pause_s)
    assert pauses_s == [5, 10, 20, 40, 60, 60]
    assert restarts.rest_s == 0
    assert not restarts.fruitless
    restarts.loaded()
    assert restarts.pause_s == 0


def test_what_cannot_be_loaded_for_days_is_still_tried() -> None:
    restarts = Restarts(limit=0, reload_pause_s=5)
    for _ in range(2000):
        restarts.load_failed()
    assert restarts.pause_s == 60


def test_request_that_was_there_twice_is_quarantined() -> None:
    quarantine = Quarantine()
    poison, other = request_key("synthesize", Synthesis("a")), request_key("synthesize", Synthesis("b"))
    quarantine.worker_died(poison)
    quarantine.check(poison)
    quarantine.worker_died(poison)
    quarantine.check(other)
    with pytest.raises(FailedPreconditionError) as caught:
        quarantine.check(poison)
    assert caught.value.reason == "POISON_REQUEST"


def test_request_that_ends_well_is_cleared() -> None:
    quarantine = Quarantine()
    quarantine.worker_died("key")
    quarantine.finished("key")
    quarantine.worker_died("key")
    quarantine.check("key")


def test_memory_of_deaths_is_bounded() -> None:
    quarantine = Quarantine()
    for number in range(5000):
        for _ in range(2):
            quarantine.worker_died(str(number))
    quarantine.check("0")
    with pytest.raises(FailedPreconditionError):
        quarantine.check("4999")


def test_key_is_the_content() -> None:
    assert request_key("m", Synthesis("a", seed=1)) == request_key("m", Synthesis("".join(["a"]), seed=1))
    assert request_key("m", Synthesis("a", seed=1)) != request_key("m", Synthesis("a", seed=2))
    assert request_key("m", Synthesis("a")) != request_key("n", Synthesis("a"))
