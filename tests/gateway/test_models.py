import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.runtime.hub import Hub, run_hub

ROOT = Path(__file__).parents[2]
NAME = "faster-whisper-small"
PREFIX = "/Systran/faster-whisper-small/resolve/main/"
FILES = {"config.json": b"{}", "model.bin": b"weights" * 100, "tokenizer.json": b"[]", "vocabulary.txt": b"a\nb\n"}


@pytest.fixture
def hub():
    with run_hub() as hub:
        hub.files = {PREFIX + path: content for path, content in FILES.items()}
        yield hub


def vigent(hub: Hub, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from gateway.cli import main; main()", "models", *arguments],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "VIGENT_HUB_URL": hub.url,
            "VIGENT_MODELS_ROOT": str(root),
            "COLUMNS": "200",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'protos/gen'}",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_pull_list_verify(hub, tmp_path):
    (row,) = [line for line in vigent(hub, tmp_path, "list").stdout.splitlines() if NAME in line]
    assert row.split()[-2:] == ["?", "-"]
    pulled = vigent(hub, tmp_path, "pull", NAME)
    assert (pulled.returncode, pulled.stdout.strip()) == (0, str(tmp_path / NAME))
    assert {path: (tmp_path / NAME / path).read_bytes() for path in FILES} == FILES
    assert len(json.loads((tmp_path / NAME / "manifest.json").read_text())["files"]) == 4
    (row,) = [line for line in vigent(hub, tmp_path, "list").stdout.splitlines() if NAME in line]
    assert row.split()[-1] == "here"
    assert "4 files are whole" in vigent(hub, tmp_path, "verify", NAME).stdout
    (tmp_path / NAME / "model.bin").write_bytes(b"Weights" * 100)
    broken = vigent(hub, tmp_path, "verify", NAME)
    assert broken.returncode == 1
    assert "does not have the SHA-256" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_unknown_names_and_hubs(hub, tmp_path):
    unknown = vigent(hub, tmp_path, "pull", "nothing")
    assert unknown.returncode == 2
    assert NAME in unknown.stderr
    hub.files.clear()
    missing = vigent(hub, tmp_path, "pull", NAME)
    assert missing.returncode == 1
    assert "does not exist" in missing.stderr
    assert vigent(hub, tmp_path, "verify", NAME).returncode == 1
