"""The checked-in stubs are what a fresh generation gives."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / ".venv-protos" / "bin"


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*.py*")
        if path.suffix != ".pyc"
    }


def test_stubs_equal_a_fresh_generation(tmp_path: Path) -> None:
    subprocess.run(
        [GENERATOR / "python", ROOT / "protos" / "generate.py", tmp_path / "gen"],
        check=True,
        env={**os.environ, "PATH": f"{GENERATOR}:{os.environ['PATH']}"},
        timeout=250,
    )
    assert contents(tmp_path / "gen") == contents(ROOT / "protos" / "gen")
