"""The optional Remotion renderer: a Node server in remotion/ that stands in for `python -m services.overlay`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from services.runtime.settings import ServerSettings

ENGINE = "remotion"
FALLBACK = "plain"
REMEDY = "Run `make remotion`, or choose VIGENT_OVERLAY_ENGINE=plain."
LEAST_NODE = 20

_FOLDER = Path(__file__).parents[2] / "remotion"
_SERVER = _FOLDER / "dist" / "server" / "main.js"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_VERSION_TIMEOUT_S = 10.0


def command() -> list[str]:
    """The program and its arguments."""
    return ["node", str(_SERVER)]


def missing(settings: ServerSettings) -> list[str]:
    """What the server needs and this machine lacks, in words; empty when it can run."""
    lacks = []
    if (node := _node_version()) is None:
        lacks.append(f"Node {LEAST_NODE} or newer")
    elif node < LEAST_NODE:
        lacks.append(f"Node {LEAST_NODE} or newer (there is {node})")
    if not (_FOLDER / "node_modules" / "remotion").is_dir():
        lacks.append(f"its packages ({_FOLDER / 'node_modules'})")
    if not _SERVER.is_file():
        lacks.append(f"its build ({_SERVER})")
    if browser(settings) is None:
        lacks.append(f"Chromium ({settings.chromium})" if settings.chromium else "Chromium")
    return lacks


def browser(settings: ServerSettings) -> str | None:
    """The Chromium that draws: VIGENT_OVERLAY_CHROMIUM, else the first one on the PATH."""
    names = [settings.chromium] if settings.chromium else _BROWSERS
    return next((found for name in names if (found := shutil.which(name))), None)


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
