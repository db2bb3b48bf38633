"""Writes docs/faults.md from the marks of the tests: `python -m tests.faults.table`.

With the JUnit file of a run (`pytest --junitxml`) it keeps first how the proofs went; `make faults` does both.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.results import Result, keep, kept
from tests.faults.rows import NOT_PROVOKED, ROWS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
_HEAD = """\
# What happens when something breaks

Each line is a fault, what Vigent promises then, and the tests that provoke it on real processes. The page is made from
the marks of those tests by `python -m tests.faults.table`; `make check` fails when it is out of date, `make test` when
a promise is broken. `make faults` runs them alone and notes day and commit (+: with changes) in the last column; of a
test that has been changed since then it says nothing.

| fault | promise | proof | last result |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Mark:
    """A test that provokes the fault of a row; one of them says what is promised."""

    row: str
    promised: str
    path: Path
    test: str
    digest: str

    @property
    def id(self) -> str:
        """As pytest names it."""
        return f"{self.path.relative_to(ROOT).as_posix()}::{self.test}"


def marks() -> list[Mark]:
    """Of all tests, without importing any."""
    return [mark for path in sorted((ROOT / "tests").rglob("test_*.py")) for mark in _marks_in(path)]


def table() -> str:
    """The page."""
    found: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks():
        found[mark.row].append(mark)
    results = kept()
    return _HEAD + "".join(_line(row, found[row], results) for row in ROWS)


def _line(row: str, proofs: list[Mark], results: Mapping[str, Result]) -> str:
    if not proofs:
        promised, reason = NOT_PROVOKED[row]
        return f"| {row} | {promised} | not provoked: {reason} | - |\n"
    promised = next(mark.promised for mark in proofs if mark.promised)
    cells = row, promised, "<br>".join(map(_link, proofs)), last_result(proofs, results)
    return f"| {' | '.join(cells)} |\n"


def last_result(proofs: list[Mark], results: Mapping[str, Result]) -> str:
    """Of all proofs of a row: what did not pass is named; the oldest run counts for those that did."""
    found = {mark: results.get(mark.id) for mark in proofs}
    told = {mark: result for mark, result in found.items() if result is not None and result.digest == mark.digest}
    amiss = [
        f"{told[mark].outcome} {told[mark].day} ({told[mark].commit}): {_words(mark)}"
        if mark in told
        else f"not run as it is now: {_words(mark)}"
        for mark in proofs
        if mark not in told or told[mark].outcome != "passed"
    ]
    if amiss:
        return "<br>".join(amiss)
    oldest = min(told.values(), key=lambda result: result.day)
    return f"passed {oldest.day} ({oldest.commit})"


def _link(mark: Mark) -> str:
    return f"[{_words(mark)}](../{mark.path.relative_to(ROOT).as_posix()})"


def _words(mark: Mark) -> str:
    return mark.test.removeprefix("test_").replace("_", " ")


def _marks_in(path: Path) -> Iterator[Mark]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
                    words = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords}
                    row, promised = ast.literal_eval(decorator.args[0]), words.get("promised", "")
                    yield Mark(row, promised, path, node.name, _digest(node))


def _digest(test: ast.AST) -> str:
    """Of what the test does, however it is laid out."""
    return hashlib.sha256(ast.unparse(test).encode()).hexdigest()[:12]


if __name__ == "__main__":
    for junit in sys.argv[1:]:
        print(keep(Path(junit), {mark.id: mark.digest for mark in marks()}), "results kept")
    PAGE.write_text(table(), encoding="utf-8")
