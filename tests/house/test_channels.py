"""Who goes through a proxy and who does not is said where a connection is made, never left to the environment."""

import ast
from pathlib import Path

from tests.support.sources import ROOT, SOURCES, belongs_to, calls, imports, named

CHANNELS = {"insecure_channel", "secure_channel"}
HTTP = {"Client", "AsyncClient", "get", "post", "put", "patch", "delete", "head", "options", "request", "stream"}
OUTSIDE = {ROOT / "services" / "enginekit" / "checkpoint_pull.py", ROOT / "gateway" / "outside.py"}


def trusts(call: ast.Call) -> bool | None:
    """What a call of httpx says of the environment."""
    said = [keyword.value for keyword in call.keywords if keyword.arg == "trust_env"]
    return said[0].value if said and isinstance(said[0], ast.Constant) else None


def opens_a_channel(path: Path) -> bool:
    return bool({ast.unparse(call.func).rpartition(".")[2] for call in calls(path)} & CHANNELS)


def asks_otherwise(path: Path) -> bool:
    """Whether it asks by anything but httpx, or leaves the proxy to the environment where it should not."""
    others = [name for name in imports(path) if belongs_to(name, "requests", "aiohttp", "urllib3", "http.client")]
    asked = [call for call in calls(path) if ast.unparse(call.func) in {f"httpx.{name}" for name in HTTP}]
    wrong = [call for call in asked if trusts(call) is not (path in OUTSIDE)]
    return bool(others or wrong) or "urlopen" in path.read_text(encoding="utf-8")


def test_every_connection_says_whether_it_uses_a_proxy() -> None:
    assert [named(path) for path in SOURCES if opens_a_channel(path)] == ["services/base/direct.py"]
    assert not [named(path) for path in SOURCES if asks_otherwise(path)]
