"""The queue's thread waits for a ring, and looks often only while something happens."""

import threading
from collections.abc import Callable

from orchestrator.jobs.doorbell import Doorbell

NEVER_S = 3_600.0
DEADLINE_S = 10.0


def waiting(bell: Doorbell) -> Callable[[], bool]:
    """Starts a wait that nothing but a ring or a stop ends in time; the function returned gives its answer."""
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(bell.wait(NEVER_S)), daemon=True)
    thread.start()

    def answer() -> bool:
        thread.join(DEADLINE_S)
        assert answers, "still waiting"
        return answers[0]

    return answer


def test_without_a_ring_it_waits_as_long_as_it_is_told():
    assert Doorbell().wait(0.0) is False


def test_a_ring_ends_the_wait():
    bell = Doorbell()
    answer = waiting(bell)
    bell.ring()
    assert answer() is False


def test_while_a_job_runs_its_place_is_looked_for():
    bell = Doorbell()
    with bell:
        assert waiting(bell)() is False


def test_a_place_that_has_become_free_is_looked_for_more_than_once():
    bell = Doorbell()
    with bell:
        pass
    assert [bell.wait(NEVER_S) for _ in range(3)] == [False] * 3


def test_it_stops_the_thread_as_an_event_does():
    bell = Doorbell()
    answer = waiting(bell)
    bell.set()
    assert answer() is True
