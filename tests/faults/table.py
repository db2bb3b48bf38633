"""Writes docs/faults.md from the marks of the tests: `python -m tests.faults.table`."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rows import NOT_PROVOKED, ROWS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
_HEAD = """\
# What happens when something breaks

Each line is a fault, what Vigent promises then, and the tests that provoke it on real processes. The page is made from
the marks of those tests by `python -m tests.faults.table`; `make check` fails when it is out of date, `make test` when
a promise is broken.

| fault | promise | proof |
|---|---|---|
"""


@dataclass(frozen=True)
class Mark:
    """A test that provokes the fault of a row; one of them says what is promised."""

    row: str
    promised: str
    path: Path
    test: str


def marks() -> list[Mark]:
    """Of all tests, without importing any."""
    return [mark for path in sorted((ROOT / "tests").rglob("test_*.py")) for mark in _marks_in(path)]


def table() -> str:
    """The page."""
    found: dict[str, list[Mark]] = defaultdict(list)
    for mark in marks():
        found[mark.row].append(mark)
    return _HEAD + "".join(_line(row, found[row]) for row in ROWS)


def _line(row: str, proofs: list[Mark]) -> str:
    if not proofs:
        promised, reason = NOT_PROVOKED[row]
        return f"| {row} | {promised} | not provoked: {reason} |\n"
    promised = next(mark.promised for mark in proofs if mark.promised)
    return f"| {row} | {promised} | {'<br>'.join(map(_link, proofs))} |\n"


def _link(mark: Mark) -> str:
    words = mark.test.removeprefix("test_").replace("_", " ")
    return f"[{words}](../{mark.path.relative_to(ROOT).as_posix()})"


def _marks_in(path: Path) -> Iterator[Mark]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.fault":
                    words = {keyword.arg: ast.literal_eval(keyword.value) for keyword in decorator.keywords}
                    yield Mark(ast.literal_eval(decorator.args[0]), words.get("promised", ""), path, node.name)


if __name__ == "__main__":
    PAGE.write_text(table(), encoding="utf-8")
