"""The sources of the house, and what they import."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOUSE = ("services", "orchestrator", "gateway")
SOURCES = sorted(path for room in HOUSE for path in (ROOT / room).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that `path` imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def belongs_to(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)
