"""The dependency rule of the house, read off the imports themselves."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("services", "orchestrator", "gateway")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MODEL_SERVICES = {"tts", "lipsync", "asr", "overlay"}


def imports(path: Path) -> set[str]:
    """Every module that `path` imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def belongs_to(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_arrow_points_one_way(path: Path) -> None:
    room, *inside = path.relative_to(ROOT).with_suffix("").parts
    forbidden = {
        "services": ("orchestrator", "gateway", "tests"),
        "orchestrator": ("gateway", "tests"),
        "gateway": ("tests",),
    }
    assert not {name for name in imports(path) if belongs_to(name, *forbidden[room])}
    if room == "services":
        others = MODEL_SERVICES - {inside[0]}
        assert not {name for name in imports(path) if belongs_to(name, *(f"services.{other}" for other in others))}
    else:
        servers = tuple(f"services.{service}" for service in MODEL_SERVICES)
        assert not {name for name in imports(path) if belongs_to(name, *servers)}
    if room == "gateway":
        inner = {name for name in imports(path) if belongs_to(name, "orchestrator")}
        assert all(belongs_to(name, "orchestrator.client") or name == "orchestrator" for name in inner), inner


def is_engine(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return parts[0] == "services" and parts[1] in MODEL_SERVICES and path.name not in {"servicer.py", "__main__.py"}


@pytest.mark.parametrize("path", list(filter(is_engine, SOURCES)), ids=lambda path: str(path.relative_to(ROOT)))
def test_engines_know_neither_grpc_nor_protobuf(path: Path) -> None:
    assert not {name for name in imports(path) if belongs_to(name, "grpc", "google.protobuf", "google.rpc", "vigent")}


@pytest.mark.parametrize("path", list(filter(is_engine, SOURCES)), ids=lambda path: str(path.relative_to(ROOT)))
def test_engines_do_not_read_the_settings_of_their_process(path: Path) -> None:
    assert not {name for name in imports(path) if belongs_to(name, "services.base.settings")}


def test_import_names_are_paths() -> None:
    for room in ROOMS:
        module = __import__(room)
        assert Path(module.__file__ or "").parent == ROOT / room
