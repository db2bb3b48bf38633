"""How many retries a target gets, on a clock of the test's own."""

from services.base.pauses import RetryBudget, RetryBudgets, RetryShare


class Clock:
    """Stands still unless told to go on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_what_was_saved_up_is_free_and_the_rest_stands_in_line() -> None:
    budget = RetryBudget(RetryShare(share=0.5, rate_hz=2, burst=2), Clock())
    assert [budget.take_s() for _ in range(5)] == [0, 0, 0.5, 1.0, 1.5]


def test_first_calls_earn_retries() -> None:
    budget = RetryBudget(RetryShare(share=0.5, rate_hz=2, burst=2), Clock())
    for _ in range(2):
        budget.take_s()
    for _ in range(4):
        budget.called()
    assert [budget.take_s() for _ in range(3)] == [0, 0, 0.5]


def test_time_earns_retries_up_to_the_burst() -> None:
    clock = Clock()
    budget = RetryBudget(RetryShare(share=0.5, rate_hz=2, burst=2), clock)
    for _ in range(4):
        budget.take_s()
    clock.now_s = 1000
    assert [budget.take_s() for _ in range(3)] == [0, 0, 0.5]


def test_targets_do_not_share() -> None:
    budgets = RetryBudgets(RetryShare(burst=1))
    assert budgets.of("a") is budgets.of("a")
    budgets.of("a").take_s()
    assert budgets.of("b").take_s() == 0
