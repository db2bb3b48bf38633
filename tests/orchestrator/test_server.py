"""Settings with which the orchestrator cannot start are said in words, without a traceback and without passwords."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mesh import ROOT


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"DATABASE_URL": "nosql://user:hunter2@host/jobs"}, 2, ["DATABASE_URL", "sqlite:///"]),
        ({"DATABASE_URL": "postgresql://user:hunter2@127.0.0.1:1/jobs"}, 1, ["DATABASE_URL", "refused"]),
        ({"DATABASE_URL": "sqlite:///{folder}/text"}, 1, ["DATABASE_URL", "not a database"]),
        ({"ENCODER": "h265"}, 2, ["ENCODER", "h264_nvenc"]),
    ],
)
def test_what_it_cannot_start_with_is_named(
    tmp_path: Path, settings: dict[str, str], code: int, words: list[str]
) -> None:
    (tmp_path / "text").write_text("This is no database of jobs. " * 100)
    told = {f"VIGENT_ORCHESTRATOR_{name}": value.format(folder=tmp_path) for name, value in settings.items()}
    shared = {"VIGENT_MEDIA_ROOT": str(tmp_path / "media"), "VIGENT_CONFIG": str(tmp_path / "none.toml")}
    ended = subprocess.run(
        [sys.executable, "-m", "orchestrator"],
        cwd=ROOT,
        env={**os.environ, **shared, **told},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == code, ended.stderr
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
