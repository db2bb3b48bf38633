"""What README tells to type works on a machine that has nothing but Python."""

import re

from tests.support.sources import ROOT

PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))


def test_commands_of_the_environment_are_called_by_their_path() -> None:
    """Bare `pip` and `vigent` are another environment's, or nobody's."""
    commands = {
        line for page in PAGES for line in re.findall(r"^ {4}(\S.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert any(line.startswith(".venv/bin/vigent ") for line in commands)
    assert not [line for line in commands if re.match(r"(\w+=\S* )*(pip|vigent|pytest|mypy|ruff)\b", line)]
