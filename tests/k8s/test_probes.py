"""Does to real servers what the kubelet does, with the probes of the manifests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.manifests import K8S, Probe, built, container
from tests.support.servers import NOT_SERVING, Server, events, failure, listening, poll, serving, until_event

ANSWERS_AN_HOUR = 360
NAMES = ("startupProbe", "readinessProbe", "livenessProbe")


@pytest.fixture(scope="module")
def probes() -> dict[str, Probe]:
    tts = container(built(K8S / "overlays" / "gpu-cluster"), "tts")
    return {name: Probe.of(tts[name]) for name in NAMES}


async def seen(server: Server, probes: dict[str, Probe]) -> tuple[bool, ...]:
    """Started, ready, live."""
    return tuple([await probes[name].succeeds(server.address) for name in NAMES])


async def test_healthy(tmp_path: Path, probes: dict[str, Probe]) -> None:
    async with serving(tmp_path) as server:
        assert await seen(server, probes) == (True, True, True)


async def test_loading(tmp_path: Path, probes: dict[str, Probe]) -> None:
    async with listening(tmp_path, {"load_action": "hold", "hold_file": tmp_path / "never"}) as server:
        assert await seen(server, probes) == (True, False, True)


async def test_engine_that_cannot_be_loaded(tmp_path: Path, probes: dict[str, Probe]) -> None:
    async with listening(tmp_path, {"load_action": "error"}) as server:
        await server.until_problem()
        assert await seen(server, probes) == (True, False, True)


async def test_busy_for_an_hour(tmp_path: Path, probes: dict[str, Probe]) -> None:
    """The answers of an hour, in quick succession, while two calls go on; the clock is the kubelet's."""
    async with serving(tmp_path, {"delay_s": 0.1}, slots=2) as server:
        calls = [asyncio.create_task(events(server.speak("a" * 1000))) for _ in range(2)]
        live = [await probes["livenessProbe"].succeeds(server.address) for _ in range(ANSWERS_AN_HOUR)]
        ready = [await probes["readinessProbe"].succeeds(server.address) for _ in range(20)]
        assert not any(call.done() for call in calls)
        assert probes["livenessProbe"].restarts(live) == 0
        assert all(ready)
        for call in calls:
            call.cancel()


async def test_hung(tmp_path: Path, probes: dict[str, Probe]) -> None:
    """Not ready while its worker is replaced, and never restarted."""
    options = {"action": "hang", "once_file": tmp_path / "once"}
    async with serving(tmp_path, options, stall_budget_s=3, recovery__kill_grace_s=5) as server:
        turned_away = await server.turning_away()
        call = asyncio.create_task(failure(server.speak()))
        await turned_away
        assert await seen(server, probes) == (True, False, True)
        await call


async def test_draining(tmp_path: Path, probes: dict[str, Probe]) -> None:
    """It ends its call before it goes, and is not killed for refusing others."""
    async with serving(tmp_path, {"end_file": tmp_path / "end"}, drain_grace_s=60) as server:
        call = server.speak("ab")
        await until_event(call)
        turned_away = await server.turning_away()
        server.process.terminate()
        await turned_away
        assert await seen(server, probes) == (True, False, True)
        (tmp_path / "end").touch()
        assert (await events(call))[-1] == "done"


async def test_crash_loop(tmp_path: Path, probes: dict[str, Probe]) -> None:
    """Two workers that died without a finished unit: only a new pod may help."""
    async with serving(tmp_path, {"action": "kill"}) as server:
        for text in ("one", "two"):
            await server.until(1)
            await failure(server.speak(text))
        await server.until(NOT_SERVING, "liveness")
        live = [await probes["livenessProbe"].succeeds(server.address) for _ in range(3)]
        assert probes["livenessProbe"].restarts(live) == 1


async def test_frozen_server(tmp_path: Path, probes: dict[str, Probe]) -> None:
    """A process that does not answer at all."""
    async with serving(tmp_path) as server:
        server.process.send_signal(19)
        await poll(lambda: "T" in Path(f"/proc/{server.process.pid}/stat").read_text(encoding="utf-8").split()[2])
        assert not await probes["livenessProbe"].succeeds(server.address)
