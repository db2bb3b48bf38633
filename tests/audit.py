"""Tells the known holes in what is installed: `python -m tests.audit`. It reports, and fails nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LONGEST_S = 120.0
NODE_FOLDERS = ("gateway/studio", "remotion")


def main() -> None:
    """A line for each hole, and one for what could not be looked up."""
    for line in (*python_packages(), *node_packages()):
        print(f"audit: {line}")


def python_packages() -> Iterator[str]:
    """What pip-audit knows of the packages beside this Python."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--progress-spinner=off"]
    found = answer([*command, "--format=json"])
    packages = (found or {}).get("dependencies", [])
    looked_up = [package for package in packages if "vulns" in package]
    for package in looked_up:
        for hole in package["vulns"]:
            mended = ", ".join(hole["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {hole['id']}, mended in {mended}"
    if found is None or len(looked_up) < len(packages):
        yield f"{len(packages) - len(looked_up) or 'all'} Python packages could not be looked up from here"


def node_packages() -> Iterator[str]:
    """What npm knows of the packages in the lock files."""
    for folder in NODE_FOLDERS:
        npm = shutil.which("npm")
        found = answer([npm, "audit", "--json", "--prefix", str(ROOT / folder)]) if npm else None
        if found is None or "vulnerabilities" not in found:
            yield f"the Node packages of {folder} could not be looked up from here"
            continue
        for name, hole in found["vulnerabilities"].items():
            yield f"{name} ({folder}): {hole['severity']}, {hole['range']}"


def answer(command: Sequence[str]) -> dict[str, Any] | None:
    """What a program says in JSON, whatever it returns; None where it says none, or not in time."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, cwd=ROOT, check=False)
        said = json.loads(ended.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return None
    return said if isinstance(said, dict) else None


if __name__ == "__main__":
    main()
