"""A server that draws with Remotion, and one that draws with `plain` beside it to compare with."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import pytest

from services.base.errors import FailedPreconditionError
from services.overlay.remotion.requirements import require
from tests.support.mesh import Server, run_server

CHROMIUM = "VIGENT_OVERLAY_OPTIONS__CHROMIUM"
ENVIRONMENT = {"VIGENT_OVERLAY_ENGINE": "remotion"}
ALONE = {**ENVIRONMENT, "VIGENT_OVERLAY_FALLBACK_ENGINE": ""}
"""Remotion, and nothing in its place."""


@cache
def lacking() -> str:
    """What keeps Remotion from drawing on this machine; empty when it can."""
    try:
        require(os.environ.get(CHROMIUM, ""))
    except FailedPreconditionError as error:
        return str(error)
    return ""


def need_remotion() -> None:
    """Skips the test where Remotion cannot draw; in CI that is a failure."""
    if reason := lacking():
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files with a name that is short enough for the sockets of Chromium."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def scratch_folders(temporary: Path) -> list[Path]:
    """Where a Node child and its Chromium have their temporary files."""
    return list(temporary.glob("vigent-overlay-*"))


def run_remotion(data: Path, environment: Mapping[str, str] | None = None) -> AbstractContextManager[Server]:
    """A server of its own that draws with Remotion."""
    need_remotion()
    return run_server("services.overlay", data, {**ALONE, **(environment or {})})


@pytest.fixture(scope="session")
def remotion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that draws with Remotion and that no test harms."""
    with run_remotion(tmp_path_factory.mktemp("remotion")) as server:
        yield server


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that draws with `plain`."""
    with run_server("services.overlay", tmp_path_factory.mktemp("plain")) as server:
        yield server
