"""Who goes through a proxy and who does not is said where a connection is made, never left to the environment."""

import ast
from pathlib import Path

import pytest

from tests.support.sources import ROOT, SOURCES, belongs_to, imports

CHANNELS = {"insecure_channel", "secure_channel"}
HTTP = {"Client", "AsyncClient", "get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
OUTSIDE = {ROOT / "services" / "enginekit" / "checkpoint_pull.py", ROOT / "gateway" / "outside.py"}


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]


def trusts(call: ast.Call) -> bool | None:
    """What a call of httpx says of the environment."""
    said = [keyword.value for keyword in call.keywords if keyword.arg == "trust_env"]
    return said[0].value if said and isinstance(said[0], ast.Constant) else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_connection_says_whether_it_uses_a_proxy(path: Path) -> None:
    opened = {ast.unparse(call.func).rpartition(".")[2] for call in calls(path)} & CHANNELS
    assert not opened or path == ROOT / "services" / "base" / "direct.py"
    others = {name for name in imports(path) if belongs_to(name, "requests", "aiohttp", "urllib3", "http.client")}
    assert not others
    asked = [call for call in calls(path) if ast.unparse(call.func) in {f"httpx.{name}" for name in HTTP}]
    assert all(trusts(call) is (path in OUTSIDE) for call in asked)
    assert "urlopen" not in path.read_text(encoding="utf-8")
