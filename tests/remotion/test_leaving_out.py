"""What cannot be tested on a machine is named, with what to do about it; CI leaves nothing out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.remotion.conftest import CHROMIUM
from tests.support.mesh import ROOT

NEEDED = ("bash", "id", "env")
NOWHERE = {CHROMIUM: "/nowhere/chromium"}


def programs(folder: Path, **scripts: str) -> dict[str, str]:
    """An environment with these programs alone, and what a shell script cannot do without."""
    for name in NEEDED:
        (folder / name).symlink_to(shutil.which(name))
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ({}, "apt-get install nodejs npm chromium"),
        ({"npm": "", "node": "echo 20"}, "apt-get install chromium"),
        ({"npm": "", "node": "echo 1800", "chromium": ""}, "Node 20.19 or newer, not 1800"),
        ({"apt-get": "exit 100"}, "apt-get install nodejs npm chromium"),
    ],
)
def test_missing_programs_are_named(tmp_path, scripts, said):
    script = ROOT / ".ci" / "node-and-chromium"
    done = subprocess.run(
        [script], env=programs(tmp_path, **scripts), capture_output=True, encoding="utf-8", timeout=100
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Remotion" in done.stderr


def test_what_is_there_is_not_installed(tmp_path):
    environment = programs(tmp_path, npm="", node="echo 2200", chromium="", **{"apt-get": f"touch {tmp_path}/asked"})
    script = ROOT / ".ci" / "node-and-chromium"
    assert subprocess.run([script], env=environment, timeout=100).returncode == 0
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(("ci", "outcome"), [("", "skipped"), ("true", "error")])
def test_a_machine_without_chromium_skips_by_name_and_ci_fails(ci, outcome):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "tests/remotion/test_server.py",
            "-k",
            "names_the_engine",
        ],
        cwd=ROOT,
        env={**os.environ, **NOWHERE, "CI": ci},
        capture_output=True,
        encoding="utf-8",
        timeout=250,
    )
    assert f"1 {outcome}" in done.stdout, done.stdout
    assert "Remotion lacks Chromium (/nowhere/chromium). Run `make remotion`" in done.stdout
