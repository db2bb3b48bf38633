"""A Chromium or a Node that is there but does not start is named, and nothing of it stays."""

import shutil

import psutil
import pytest

from services.base.errors import FailedPreconditionError
from services.overlay.remotion.drawer import Drawer
from tests.remotion.conftest import need_remotion, scratch_folders
from tests.support.commands import until


@pytest.fixture
def start(monkeypatch, tmp_path, temporary):
    """Starts a Drawer with a script for its Chromium; gives what the error says, once nothing is left."""
    need_remotion()
    monkeypatch.setenv("TMPDIR", str(temporary))

    def started(script: str, timeout_s: float = 60) -> str:
        chromium = tmp_path / "chromium"
        chromium.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        chromium.chmod(0o755)
        with pytest.raises(FailedPreconditionError) as refused:
            Drawer(str(chromium), timeout_s)
        assert refused.value.reason == "ENGINE_NOT_INSTALLED"
        assert scratch_folders(temporary) == []
        return refused.value.problem

    return started


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo a library is missing >&2; exit 127", "a library is missing"), ("exit 0", "it ended without a word")],
)
def test_a_chromium_that_ends_is_told_by_its_last_words(start, script, said):
    assert start(script).endswith(f"chromium: {said}).")


def test_a_chromium_that_hangs_is_given_up(start):
    assert start("exec sleep 61.5", 3).endswith("it was not ready after 3 s).")
    assert until(lambda: all(each.info["cmdline"] != ["sleep", "61.5"] for each in psutil.process_iter(["cmdline"])))


def test_a_node_that_ends_is_told(start, monkeypatch, tmp_path):
    (tmp_path / "node").symlink_to(shutil.which("false"))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert "see Node's output in the log" in start("exit 0")
