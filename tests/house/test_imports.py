"""The dependency rule of the house, read off the imports themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sources import HOUSE, ROOT, SOURCES, belongs_to, imports, named, tree

MODEL_SERVICES = ("tts", "lipsync", "asr", "overlay")

MAY_IMPORT = {
    "services.base": (),
    "services.text": ("services.base",),
    "services.enginekit": ("services.base",),
    "services.faces": ("services.base",),
    "services.media": ("services.base", "services.text", "services.enginekit", "services.faces"),
    "services.typography": ("services.base", "services.text", "services.media"),
    "services.espeak": ("services.base", "services.text"),
    "services.runtime": ("services.base", "services.enginekit", "services.media"),
    **dict.fromkeys(
        (f"services.{service}" for service in MODEL_SERVICES),
        tuple(
            f"services.{room}"
            for room in ("base", "text", "enginekit", "faces", "media", "typography", "espeak", "runtime")
        ),
    ),
    "orchestrator": (
        *(f"services.{room}" for room in ("base", "text", "media", "typography", "runtime")),
        "services.enginekit.cores",  # encoders have threads too
    ),
    "gateway": (
        "orchestrator.client",
        "orchestrator.settings",  # whose names `vigent` knows
        *(f"services.{room}" for room in ("base", "text", "media", "typography")),
        "services.enginekit.checkpoints",  # of `vigent models`
        "services.enginekit.checkpoint_pull",
    ),
}
"""What each room may import beside itself; nobody imports the tests."""


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:2]) if parts[0] == "services" else parts[0]


def against_the_arrow(path: Path) -> set[str]:
    room = room_of(path)
    ours = {name for name in imports(path) if belongs_to(name, *HOUSE, "tests")}
    return {name for name in ours if not belongs_to(name, room, *MAY_IMPORT[room])}


def test_the_arrow_points_one_way() -> None:
    wrong = {named(path): against_the_arrow(path) for path in SOURCES if room_of(path) in MAY_IMPORT}
    assert not {place: names for place, names in wrong.items() if names}


def test_tests_share_helpers_and_no_tests() -> None:
    """What several tests use lives in tests/support."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    assert not [named(path) for path in files if any(".test_" in module for module in imports(path))]


def test_every_room_has_a_rule() -> None:
    rooms = {room_of(path) for path in SOURCES if path != ROOT / "services" / "__init__.py"}
    assert rooms == set(MAY_IMPORT)


def engines() -> Iterator[tuple[Path, str]]:
    """Each engine's file or folder, with its import name."""
    for service in MODEL_SERVICES:
        folder = ROOT / "services" / service
        for path in folder.iterdir():
            if (path / "engine.py").is_file():
                yield path, f"services.{service}.{path.name}"


def test_no_engine_is_imported_from_outside_its_folder() -> None:
    found = list(engines())
    assert len(found) >= 5
    for folder, name in found:
        outside = [path for path in SOURCES if folder not in path.parents]
        assert not [named(path) for path in outside if any(belongs_to(module, name) for module in imports(path))]


def strings(path: Path) -> set[str]:
    found = (node.value for node in ast.walk(tree(path)) if isinstance(node, ast.Constant))
    return {value for value in found if isinstance(value, str)}


ENGINES = {"qwen3", "kokoro", "warp", "latentsync", "dtw", "pocketsphinx", "whisper", "remotion"}
"""Names that mean nothing but an engine: "espeak" is a room too, "plain" a style."""


def test_no_engine_is_named_but_where_it_is_registered() -> None:
    own = {folder for folder, _ in engines()}
    others = [path for path in SOURCES if path.name not in {"servicer.py", "espeak.py"} and not own & {*path.parents}]
    assert others
    assert not [named(path) for path in others if strings(path) & ENGINES]


def is_engine(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return parts[0] == "services" and parts[1] in MODEL_SERVICES and path.name not in {"servicer.py", "__main__.py"}


def engines_that_import(*packages: str) -> list[str]:
    paths = list(filter(is_engine, SOURCES))
    assert paths
    return [named(path) for path in paths if any(belongs_to(name, *packages) for name in imports(path))]


def test_engines_know_neither_grpc_nor_protobuf() -> None:
    assert not engines_that_import("grpc", "google.protobuf", "google.rpc", "vigent")


def test_engines_do_not_read_the_settings_of_their_process() -> None:
    assert not engines_that_import("services.base.settings", "services.runtime")


def test_no_folder_is_crowded() -> None:
    """More than twenty files side by side are several rooms in one."""
    folders = {path.parent for path in SOURCES}
    crowded = {named(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert not {folder: count for folder, count in crowded.items() if count > 20}
    assert len(list((ROOT / "services" / "runtime").rglob("*.py"))) <= 25


def test_package_files_are_empty() -> None:
    """What a package imports is loaded by everybody who imports anything of it."""
    assert not [named(path) for path in SOURCES if path.name == "__init__.py" and path.read_text(encoding="utf-8")]


def test_every_logger_has_one_name() -> None:
    made = {
        line for path in SOURCES for line in path.read_text(encoding="utf-8").splitlines() if " = logging.getL" in line
    }
    assert made == {"_LOG = logging.getLogger(__name__)"}


def test_import_names_are_paths() -> None:
    for room in HOUSE:
        module = __import__(room)
        assert Path(module.__file__ or "").parent == ROOT / room


BEHIND = {"http": ("films", "library", "fields"), "films": ("library", "fields"), "library": ("fields",), "fields": ()}


@pytest.mark.parametrize("room", BEHIND)
def test_the_gateway_leads_from_its_doors_through_films_to_the_library(room: str) -> None:
    forbidden = [f"gateway.{other}" for other in ("cli", *BEHIND) if other not in (room, *BEHIND[room])]
    inside = [path for path in SOURCES if path.relative_to(ROOT).with_suffix("").parts[:2] == ("gateway", room)]
    assert inside
    assert not {name for path in inside for name in imports(path) if belongs_to(name, *forbidden)}
