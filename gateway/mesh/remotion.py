"""The optional Remotion renderer: a Node server in remotion/ that stands in for `python -m services.overlay`."""

from __future__ import annotations

import json
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
        named = settings.options.get("chromium")
        lacks.append(f"Chromium ({named})" if named else "Chromium")
    return lacks


def browser(settings: ServerSettings) -> str | None:
    """The Chromium that draws: VIGENT_OVERLAY_OPTIONS__CHROMIUM, else the first one on the PATH."""
    names = [settings.options["chromium"]] if settings.options.get("chromium") else _BROWSERS
    return next((found for name in names if (found := shutil.which(name))), None)


def environment(settings: ServerSettings) -> dict[str, str]:
    """What vigent.toml and the environment say to the overlay server, as environment: Node reads no vigent.toml."""
    said = {name: getattr(settings, name) for name in settings.model_fields_set}
    told = {"VIGENT_MEDIA_ROOT": str(said.pop("media_root"))} if "media_root" in said else {}
    for name, value in said.items():
        told[f"VIGENT_OVERLAY_{name.upper()}"] = json.dumps(value) if isinstance(value, dict) else str(value)
    return told


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
