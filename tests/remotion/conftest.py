"""The real Node server, and the Python one beside it to compare with."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path

import pytest

from gateway.mesh import remotion
from services.base.settings import ServerSettings
from tests.support.mesh import Server, run_server

ENVIRONMENT = {"VIGENT_OVERLAY_ENGINE": "remotion"}


@cache
def lacking() -> str:
    """What Remotion lacks on this machine; empty when it can run."""
    return ", ".join(remotion.missing(ServerSettings.load("overlay")))


def need_remotion() -> None:
    """Skips the test where Remotion cannot run; in CI that is a failure."""
    if lacking():
        reason = f"Remotion lacks {lacking()}: run make remotion"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


def run_node(data: Path, environment: Mapping[str, str] | None = None) -> AbstractContextManager[Server]:
    """A Node server of its own."""
    need_remotion()
    return run_server("services.overlay", data, {**ENVIRONMENT, **(environment or {})}, remotion.command())


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Node server that no test harms."""
    with run_node(tmp_path_factory.mktemp("remotion")) as server:
        yield server


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The Python server."""
    with run_server("services.overlay", tmp_path_factory.mktemp("plain")) as server:
        yield server
