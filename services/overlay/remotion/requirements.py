"""What Remotion needs of this machine: Node, the packages and the build of remotion/, Chromium."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from services.base.errors import FailedPreconditionError

LEAST_NODE = 20

_FOLDER = Path(__file__).parents[3] / "remotion"
MAIN = _FOLDER / "dist" / "child" / "main.js"
"""The program of the Node child."""

_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_VERSION_TIMEOUT_S = 30.0


def require(chromium: str) -> str:
    """Path of the Chromium that draws: `chromium`, a path or a name, else the first of the usual names on the PATH.

    Raises FailedPreconditionError (ENGINE_NOT_INSTALLED) that names all that is missing.
    """
    found = next(filter(None, map(shutil.which, [chromium] if chromium else _BROWSERS)), None)
    lacks = [*_node_fault(), *_build_fault()]
    if found is None:
        lacks.append(f"Chromium ({chromium})" if chromium else "Chromium")
    if found is None or lacks:
        raise lacking(", ".join(lacks))
    return found


def lacking(what: str) -> FailedPreconditionError:
    """The error for a machine on which `what` must be installed before Remotion can draw."""
    remedy = "Run `make remotion`, or choose another engine with VIGENT_OVERLAY_ENGINE."
    return FailedPreconditionError(f"Remotion lacks {what}.", remedy, "engine", "ENGINE_NOT_INSTALLED")


def _node_fault() -> list[str]:
    version = _node_version()
    if version is not None and version >= LEAST_NODE:
        return []
    return [f"Node {LEAST_NODE} or newer" + ("" if version is None else f" (there is {version})")]


def _build_fault() -> list[str]:
    needed = {"packages": _FOLDER / "node_modules" / "remotion", "build": MAIN}
    return [f"its {name} ({path})" for name, path in needed.items() if not path.exists()]


def _node_version() -> int | None:
    """Major version of the Node on the PATH."""
    if (node := shutil.which("node")) is None:
        return None
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, encoding="utf-8", timeout=_VERSION_TIMEOUT_S, check=True
        )
        return int(answer.stdout.strip().removeprefix("v").partition(".")[0])
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
