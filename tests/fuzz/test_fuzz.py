"""The seed of the day, in short; `make fuzz` does as many as you like."""

from pathlib import Path

import pytest

from tests.fuzz.__main__ import seed_of_the_day
from tests.fuzz.findings import leak_in
from tests.fuzz.run import fuzz

COUNT = 1000


@pytest.mark.fault("malformed bytes, other protocols")
@pytest.mark.timeout(900)
def test_malformed_inputs_of_the_day_harm_nobody(tmp_path: Path) -> None:
    seed = seed_of_the_day()
    findings = fuzz(tmp_path, COUNT, seed)
    print(f"seed {seed}\n{findings.report()}")
    assert not findings.wrong, f"seed {seed}\n{findings.report()}"


@pytest.mark.parametrize("told", ['File "a.py"', "see /tmp/x", "Traceback (most recent", "<a object at 0x7f>"])
def test_leaks_are_seen(told: str) -> None:
    assert leak_in(told)
    assert not leak_in("The style is not JSON: Expecting value in line 1.")
