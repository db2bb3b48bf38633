"""The wall clock of another host is an hour off: nothing that is told of progress depends on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.http.replicas import MeshWatch, ServiceState
from gateway.settings import GatewaySettings
from tests.support.servers import ROOT, SERVING, SETTINGS, Server, connected, failure, start, until_event

SHIFTS = [3600, -3600]
NO_DEADLINE = None  # gRPC would compare one of the real clock with the clock that is shifted here for Python alone
CLOCK = "import time; real = time.time; time.time = lambda: real() + {shift}"


@asynccontextmanager
async def elsewhere(
    folder: Path, shift_s: int, options: Mapping[str, object], **settings: object
) -> AsyncIterator[Server]:
    """A voice server, and its worker, on a host whose clock is off."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(CLOCK.format(shift=shift_s), encoding="utf-8")
    texts = json.dumps({name: str(value) for name, value in options.items()})
    chosen = {**SETTINGS, "stall_budget_s": 3, **settings, "options": texts}
    environment = {f"VIGENT_TTS_{name.upper()}": str(value) for name, value in chosen.items()}
    paths = {"PYTHONPATH": f"{site}:{ROOT}:{ROOT}/protos/gen"}
    async with connected(*await start("tts", folder, environment | paths)) as server:
        await server.until(SERVING)
        yield server


async def seen(server: Server) -> ServiceState:
    """As a gateway with the right time sees it."""
    watch = MeshWatch(GatewaySettings.load("gateway", tts=server.address))
    try:
        return await watch.service("tts")
    finally:
        await watch.close()


@pytest.mark.fault(
    "wall clock an hour off",
    promised="No stall is shown that is none, none hidden: ages are told, not times.",
)
@pytest.mark.parametrize("shift_s", SHIFTS)
async def test_a_busy_server_is_not_shown_as_stalled(tmp_path: Path, shift_s: int) -> None:
    async with elsewhere(tmp_path, shift_s, {"delay_s": 0.05}) as server:
        call = server.speak("a" * 1000, NO_DEADLINE)
        await until_event(call)
        state = await seen(server)
        metrics = await server.metrics()
        call.cancel()
    assert state.ok
    assert not state.replicas[0].stalled
    assert metrics['vigent_worker_progress_age_seconds{service="tts"}'] < 3600


@pytest.mark.fault("wall clock an hour off")
@pytest.mark.parametrize("shift_s", SHIFTS)
async def test_a_stall_is_not_hidden(tmp_path: Path, shift_s: int) -> None:
    """The hung engine has for ever to obey the cancel, so the stall lasts."""
    async with elsewhere(tmp_path, shift_s, {"action": "hang"}, recovery__cancel_grace_s=600) as server:
        await failure(server.speak(timeout_s=NO_DEADLINE))
        state = await seen(server)
    assert not state.ok
    assert state.replicas[0].stalled
    assert state.replicas[0].progress_age_s is not None
    assert 3 < state.replicas[0].progress_age_s < 3600
