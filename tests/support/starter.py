"""The starter models for tests with real weights: in CI they must be there, elsewhere such tests are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.enginekit.checkpoints import MANIFEST

ROOT = Path(os.environ.get("TEST_MODELS_ROOT") or Path(__file__).parents[2] / ".vigent" / "models")


def starter_model(name: str) -> Path:
    """Folder of a starter model. Fails in CI, and skips elsewhere, where it is not there."""
    folder = ROOT / name
    if not (folder / MANIFEST).is_file():
        told = f"{folder} is not there: run `vigent models pull starter --root {ROOT}`"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)
    return folder
