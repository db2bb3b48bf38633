"""How each proof went when it was last run: kept in results.json by `python -m tests.faults.table JUNIT.xml`.

A result names the day and the commit of its run, so it does not become wrong by itself; and it holds for the test as it
was written then: of one that has been changed since, nothing is said.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).parent / "results.json"
_OUTCOMES = ("failed", "skipped", "passed")  # the worst first: a test of several parameters is as good as its worst


@dataclass(frozen=True)
class Result:
    """`outcome` is passed, failed or skipped; `digest` is of the test's source, `commit` of what was checked out."""

    outcome: str
    day: str
    commit: str
    digest: str


def kept() -> dict[str, Result]:
    """By test, such as "tests/faults/test_worker.py::test_x"."""
    if not KEPT.exists():
        return {}
    return {test: Result(**found) for test, found in json.loads(KEPT.read_text(encoding="utf-8")).items()}


def keep(junit: Path, digests: Mapping[str, str]) -> int:
    """Notes how the tests in `digests` went in a run; the results of others stay. Returns how many it found."""
    results = {test: found for test, found in kept().items() if test in digests}
    commit, suite = _commit(), ET.parse(junit).getroot().find("testsuite")
    assert suite is not None
    day, outcomes = suite.get("timestamp", "")[:10], _outcomes(suite.iter("testcase"))
    found = {test: outcome for test, outcome in outcomes.items() if test in digests}
    results |= {test: Result(outcome, day, commit, digests[test]) for test, outcome in found.items()}
    plain = {test: asdict(results[test]) for test in sorted(results)}
    KEPT.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    return len(found)


def _outcomes(cases: Iterable[ET.Element]) -> dict[str, str]:
    outcomes: dict[str, str] = {}
    for case in cases:
        path, name = case.get("classname", "").replace(".", "/"), case.get("name", "").partition("[")[0]
        test = f"{path}.py::{name}"
        outcomes[test] = min(_outcome(case), outcomes.get(test, "passed"), key=_OUTCOMES.index)
    return outcomes


def _outcome(case: ET.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def _commit() -> str:
    """Short name of what is checked out; with a plus where files differ from it."""
    commit = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "*.py", "*.proto", "*.toml")
    return f"{commit}+" if changed else commit


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
