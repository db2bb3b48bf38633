"""Settings with which the orchestrator cannot start are said in words, without a traceback and without passwords."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime.exits import EXIT_PORT_TAKEN
from tests.mesh import ROOT


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"DATABASE_URL": "nosql://user:hunter2@host/jobs"}, 2, ["DATABASE_URL", "sqlite:///"]),
        ({"DATABASE_URL": "postgresql://user:hunter2@127.0.0.1:1/jobs"}, 1, ["DATABASE_URL", "refused"]),
        ({"DATABASE_URL": "sqlite:///{folder}/text"}, 1, ["DATABASE_URL", "not a database"]),
        ({"ENCODER": "h265"}, 2, ["ENCODER", "h264_nvenc"]),
        ({"PORT": "{taken}"}, EXIT_PORT_TAKEN, ["VIGENT_ORCHESTRATOR_PORT", "Address already in use"]),
        ({"METRICS_PORT": "{taken}", "PORT": "0"}, EXIT_PORT_TAKEN, ["VIGENT_ORCHESTRATOR_METRICS_PORT"]),
        ({"HOST": "192.0.2.1"}, 2, ["192.0.2.1", "cannot be opened"]),
    ],
)
def test_what_it_cannot_start_with_is_named(
    tmp_path: Path, settings: dict[str, str], code: int, words: list[str]
) -> None:
    (tmp_path / "text").write_text("This is no database of jobs. " * 100)
    with socket.create_server(("127.0.0.1", 0)) as holder:
        values = {"folder": tmp_path, "taken": holder.getsockname()[1]}
        told = {f"VIGENT_ORCHESTRATOR_{name}": value.format(**values) for name, value in settings.items()}
        shared = {"VIGENT_MEDIA_ROOT": str(tmp_path / "media"), "VIGENT_CONFIG": str(tmp_path / "none.toml")}
        database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"}
        ended = subprocess.run(
            [sys.executable, "-m", "orchestrator"],
            cwd=ROOT,
            env={**os.environ, **shared, **database, **told},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == code, ended.stderr
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr
