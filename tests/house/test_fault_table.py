"""docs/faults.md says what the tests prove."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import results
from tests.faults.results import Result, keep, kept
from tests.faults.rows import CATALOGUE, NOT_PROVOKED, ROWS
from tests.faults.table import PAGE, ROOT, Mark, last_result, marks, table

MARK = Mark("a fault", "all is well", ROOT / "tests/faults/test_x.py", "test_it_is_so", "digest")
PASSED = Result("passed", "2026-01-02", "abc1234", "digest")
JUNIT = """<testsuites><testsuite timestamp="2026-01-02T03:04:05+00:00">
<testcase classname="tests.faults.test_x" name="test_it_is_so[1]"/>
<testcase classname="tests.faults.test_x" name="test_it_is_so[2]">{}</testcase>
<testcase classname="tests.faults.test_x" name="test_of_nothing"><failure/></testcase>
</testsuite></testsuites>"""


def test_every_fault_is_provoked_or_has_a_reason() -> None:
    provoked = {mark.row for mark in marks()}
    assert provoked | NOT_PROVOKED.keys() == set(ROWS)
    assert not provoked & NOT_PROVOKED.keys()


def test_each_of_the_45_faults_of_the_design_has_its_row() -> None:
    assert len(CATALOGUE) == 45
    assert set(CATALOGUE) <= set(ROWS)


def test_one_test_of_each_fault_says_what_is_promised() -> None:
    promised = [mark.row for mark in marks() if mark.promised]
    assert sorted(promised) == sorted(set(ROWS) - NOT_PROVOKED.keys())


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == table(), "Run python -m tests.faults.table."


def test_a_result_holds_for_the_test_as_it_was_run() -> None:
    assert last_result([MARK], {MARK.id: PASSED}) == "passed 2026-01-02 (abc1234)"
    assert last_result([MARK], {}) == "not run as it is now: it is so"
    assert last_result([replace(MARK, digest="another")], {MARK.id: PASSED}) == "not run as it is now: it is so"


def test_what_did_not_pass_is_named_and_of_the_rest_the_oldest_run_counts() -> None:
    other = replace(MARK, test="test_that_is_so")
    failed = replace(PASSED, outcome="failed")
    told = {MARK.id: failed, other.id: PASSED}
    assert last_result([MARK, other], told) == "failed 2026-01-02 (abc1234): it is so"
    older = replace(PASSED, day="2025-12-31", commit="0000000")
    assert last_result([MARK, other], {MARK.id: older, other.id: PASSED}) == "passed 2025-12-31 (0000000)"


@pytest.mark.parametrize(
    ("inside", "outcome"), [("", "passed"), ("<skipped/>", "skipped"), ("<failure/>", "failed"), ("<error/>", "failed")]
)
def test_a_run_is_kept_and_a_test_is_as_good_as_its_worst_parameters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, outcome: str
) -> None:
    monkeypatch.setattr(results, "KEPT", tmp_path / "results.json")
    (tmp_path / "junit.xml").write_text(JUNIT.format(inside), encoding="utf-8")
    assert keep(tmp_path / "junit.xml", {MARK.id: "digest", "tests/faults/test_x.py::test_not_run": "z"}) == 1
    (result,) = kept().values()
    assert (result.outcome, result.day, result.digest) == (outcome, "2026-01-02", "digest")
    assert keep(tmp_path / "junit.xml", {"tests/faults/test_x.py::test_not_run": "z"}) == 0
    assert not kept()  # no test of this name provokes a fault any more
