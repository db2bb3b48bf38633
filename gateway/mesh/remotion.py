"""The optional Remotion renderer: a Node server in remotion/ that stands in for `python -m services.overlay`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from services.base.settings import ServerSettings

ENGINE = "remotion"
FALLBACK = "plain"
REMEDY = "Run `make remotion`, or choose VIGENT_OVERLAY_ENGINE=plain."
LEAST_NODE = 20

_FOLDER = Path(__file__).parents[2] / "remotion"
_SERVER = _FOLDER / "dist" / "server" / "main.js"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_VERSION_TIMEOUT_S = 30.0
_START_TIMEOUT_S = 60.0
_SHOW_A_PAGE = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom", "about:blank")


def command() -> list[str]:
    """The program and its arguments."""
    return ["node", str(_SERVER)]


def missing(settings: ServerSettings) -> list[str]:
    """What the server needs and this machine lacks, in words; empty when it can run.

    Where Remotion is asked for, Chromium is really started, once in a process: it may be there and lack a library.
    """
    lacks = []
    if (node := _node_version()) is None:
        lacks.append(f"Node {LEAST_NODE} or newer")
    elif node < LEAST_NODE:
        lacks.append(f"Node {LEAST_NODE} or newer (there is {node})")
    if not (_FOLDER / "node_modules" / "remotion").is_dir():
        lacks.append(f"its packages ({_FOLDER / 'node_modules'})")
    if not _SERVER.is_file():
        lacks.append(f"its build ({_SERVER})")
    if (chromium := browser(settings)) is None:
        lacks.append(f"Chromium ({settings.chromium})" if settings.chromium else "Chromium")
    elif settings.engine == ENGINE and (fault := _start_fault(chromium)):
        lacks.append(f"a Chromium that starts ({chromium} {fault})")
    return lacks


def browser(settings: ServerSettings) -> str | None:
    """The Chromium that draws: VIGENT_OVERLAY_CHROMIUM, else the first one on the PATH."""
    names = [settings.chromium] if settings.chromium else _BROWSERS
    return next((found for name in names if (found := shutil.which(name))), None)


@cache
def _start_fault(chromium: str) -> str:
    """Why this Chromium does not show an empty page; empty when it does."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        tempfile.TemporaryFile() as shown,
        tempfile.TemporaryFile() as said,
    ):
        command = [chromium, f"--user-data-dir={profile}", *_SHOW_A_PAGE]
        try:
            process = subprocess.Popen(command, stdout=shown, stderr=said, start_new_session=True)
        except OSError as error:
            return f"cannot be run: {error.strerror}"
        try:
            code = process.wait(_START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return f"did not start within {_START_TIMEOUT_S:.0f} s"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shown.seek(0)
        if code == 0 and b"<html" in shown.read():
            return ""
        said.seek(0)
        lines = said.read().decode(errors="replace").split("\n")
        return ": ".join([f"ended with code {code}", *[line for line in lines if line.strip()][-1:]])


def _node_version() -> int | None:
    """Major version of the Node on the PATH."""
    if (node := shutil.which("node")) is None:
        return None
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        )
        return int(answer.stdout.strip().removeprefix("v").partition(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
