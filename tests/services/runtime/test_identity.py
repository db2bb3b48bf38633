from pathlib import Path

import pytest

from services.runtime.identity import engine_identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "engine.py").write_text("speed = 1")
    return tmp_path


def test_begins_with_the_name_and_is_ascii(folder: Path) -> None:
    identity = engine_identity("qwen3", Path("/models/声音"), folder, {"voices": "声音"})
    assert identity.partition(" ")[0] == "qwen3"
    assert identity.isascii()


def test_changes_with_all_that_makes_a_piece(folder: Path) -> None:
    options = {"temperature": "0.9", "top_k": "50"}
    before = engine_identity("qwen3", Path("base"), folder, options)
    assert engine_identity("qwen3", Path("/elsewhere/base"), folder, dict(reversed(options.items()))) == before
    others = [
        engine_identity("espeak", Path("base"), folder, options),
        engine_identity("qwen3", Path("other"), folder, options),
        engine_identity("qwen3", Path("base"), folder, {**options, "temperature": "0.8"}),
        engine_identity("qwen3", Path("base"), folder, {}),
        engine_identity("qwen3", Path("base"), folder, options, "1.2"),
    ]
    (folder / "engine.py").write_text("speed = 2")
    others.append(engine_identity("qwen3", Path("base"), folder, options))
    assert len({before, *others}) == 7
