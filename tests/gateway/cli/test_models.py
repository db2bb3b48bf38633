import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub import Hub, run_hub

ROOT = Path(__file__).parents[3]
NAME = "faster-whisper-small"
PREFIX = "/Systran/faster-whisper-small/resolve/main/"
FILES = {"config.json": b"{}", "model.bin": b"weights" * 100, "tokenizer.json": b"[]", "vocabulary.txt": b"a\nb\n"}


@pytest.fixture
def hub():
    with run_hub() as hub:
        hub.files = {PREFIX + path: content for path, content in FILES.items()}
        yield hub


def started(hub: Hub, root: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "from gateway.cli.main import main; main()", "models", *arguments],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "VIGENT_HUB_URL": hub.url,
            "VIGENT_MODELS_ROOT": str(root),
            "COLUMNS": "200",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'protos/gen'}",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def vigent(hub: Hub, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with started(hub, root, *arguments) as process:
        said = process.communicate(timeout=200)
    return subprocess.CompletedProcess(process.args, process.returncode, *said)


def test_pull_list_verify(hub, tmp_path):
    (row,) = [line for line in vigent(hub, tmp_path, "list").stdout.splitlines() if NAME in line]
    assert row.split()[-2:] == ["?", "-"]
    pulled = vigent(hub, tmp_path, "pull", NAME)
    assert (pulled.returncode, pulled.stdout.strip()) == (0, str(tmp_path / NAME))
    assert {path: (tmp_path / NAME / path).read_bytes() for path in FILES} == FILES
    assert len(json.loads((tmp_path / NAME / "manifest.json").read_text(encoding="utf-8"))["files"]) == 4
    (row,) = [line for line in vigent(hub, tmp_path, "list").stdout.splitlines() if NAME in line]
    assert row.split()[-1] == "here"
    assert "4 files are complete" in vigent(hub, tmp_path, "verify", NAME).stdout
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
    absent = vigent(hub, tmp_path, "verify", NAME)
    assert absent.returncode == 1
    assert f"vigent models pull {NAME}" in absent.stderr


def state(hub: Hub, root: Path) -> str:
    (row,) = [line for line in vigent(hub, root, "list").stdout.splitlines() if NAME in line]
    return row.partition("GB" if "GB" in row else "?")[2].strip()


def test_list_tells_what_is_not_whole(hub, tmp_path):
    hub.reach = 300
    stopped = vigent(hub, tmp_path, "pull", NAME)
    assert (stopped.returncode, state(hub, tmp_path)) == (1, "partly here")
    assert "same command again" in stopped.stderr
    assert "only partly here" in vigent(hub, tmp_path, "verify", NAME).stderr
    hub.reach = 0
    assert vigent(hub, tmp_path, "pull", NAME).returncode == 0
    assert state(hub, tmp_path) == "here"
    (tmp_path / NAME / "tokenizer.json").unlink()
    assert state(hub, tmp_path) == "damaged"
    damaged = vigent(hub, tmp_path, "verify", NAME)
    assert damaged.returncode == 1
    assert "tokenizer.json is missing" in damaged.stderr
    assert f"vigent models pull {NAME}" in damaged.stderr
    hub.requests.clear()
    assert vigent(hub, tmp_path, "pull", NAME).returncode == 0
    assert [path for path, _ in hub.requests] == [PREFIX + "tokenizer.json"]


def test_pull_says_how_to_use_it_and_verify_what_else_is_there(hub, tmp_path):
    pulled = vigent(hub, tmp_path, "pull", NAME)
    assert "model.bin: 700 bytes" in pulled.stderr
    assert f"VIGENT_ASR_ENGINE=whisper VIGENT_ASR_CHECKPOINT={tmp_path / NAME} vigent up" in pulled.stderr
    (tmp_path / NAME / "extra.bin").touch()
    verified = vigent(hub, tmp_path, "verify", NAME)
    assert verified.returncode == 0
    assert (
        verified.stderr.strip() == f"{tmp_path / NAME / 'extra.bin'} is not part of the checkpoint and was not checked."
    )


def test_ctrl_c_ends_a_pull_that_the_next_one_goes_on_with(hub, tmp_path):
    hub.stalls = 300
    process = started(hub, tmp_path, "pull", NAME)
    try:
        assert hub.stalled.wait(200)
        second = vigent(hub, tmp_path, "pull", NAME)
        assert second.returncode == 1
        assert "Another pull works" in second.stderr
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode != 0
    assert "Traceback" not in said
    assert "same command again" in said
    hub.stalls = 0
    hub.requests.clear()
    assert vigent(hub, tmp_path, "pull", NAME).returncode == 0
    assert {path: (tmp_path / NAME / path).read_bytes() for path in FILES} == FILES
    assert (PREFIX + "config.json", "") not in hub.requests
