"""A package registry in a folder, as pip reads it: an index page and wheels."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

NOBODY = "http://127.0.0.1:1/simple"
"""A registry that is away."""


def publish(root: Path, name: str, files: Mapping[str, bytes], version: str = "1.0") -> Path:
    """Adds a package with these files; returns its wheel."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    wheel = folder / f"{stem}-py3-none-any.whl"
    told = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{stem}.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in {**files, **told}.items():
            archive.writestr(path, content)
    (folder / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>', encoding="utf-8")
    return wheel


def environment_of(index: str) -> dict[str, str]:
    """What makes pip use that index and nothing else."""
    return {"PIP_INDEX_URL": index, "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
