"""docs/faults.md says what the tests prove."""

from tests.faults.rows import NOT_PROVOKED, ROWS
from tests.faults.table import PAGE, marks, table


def test_every_fault_is_provoked_or_has_a_reason() -> None:
    provoked = {mark.row for mark in marks()}
    assert provoked | NOT_PROVOKED.keys() == set(ROWS)
    assert not provoked & NOT_PROVOKED.keys()


def test_one_test_of_each_fault_says_what_is_promised() -> None:
    promised = [mark.row for mark in marks() if mark.promised]
    assert sorted(promised) == sorted(set(ROWS) - NOT_PROVOKED.keys())


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == table(), "Run python -m tests.faults.table."
