"""Alerts by real faults of real servers, as a real Prometheus sees them; a long inference beside them raises none."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

from tests.support.prometheus import Prometheus, hastened_rules, scraping
from tests.support.servers import SERVING, Server, events, failure, listening, until_event

LONG = "a long inference " * 58  # of minutes, half a second a unit
LONG_S = 250.0


async def working_long(server: Server, folder: Path) -> None:
    await server.until(SERVING)
    await events(server.speak(LONG, LONG_S))


async def dying_often(server: Server, folder: Path) -> None:
    """Each request is another one, or it would be refused after the second death."""
    for number in range(4):
        await server.until(SERVING)
        await failure(server.speak(f"text {number}"))
        await server.until_count('vigent_worker_restarts_total{reason="crash",service="tts"}', number + 1)


async def dying_for_good(server: Server, folder: Path) -> None:
    for number in range(2):
        await server.until(SERVING)
        await failure(server.speak(f"text {number}"))


async def turning_wrong(server: Server, folder: Path) -> None:
    await server.until(SERVING)
    (folder / "wrong").touch()


async def overrun(server: Server, folder: Path) -> None:
    await server.until(SERVING)
    running = server.speak(LONG, LONG_S)
    await until_event(running)
    while True:
        await failure(server.speak())
        await asyncio.sleep(0.2)  # so many that it is more than one in ten seconds


async def queueing_up(server: Server, folder: Path) -> None:
    await server.until(SERVING)
    calls = [server.speak(LONG, LONG_S)]
    await until_event(calls[0])
    while True:
        calls.append(server.speak("a", LONG_S))
        await asyncio.sleep(0.5)  # so that ever more of them wait


async def speaking_late(server: Server, folder: Path) -> None:
    """Twice: a series that begins with its first value has not risen."""
    await server.until(SERVING)
    for _ in range(2):
        await events(server.speak("a"))


async def nothing(server: Server, folder: Path) -> None:
    """It has its fault from the start."""


FAULTS: dict[str, tuple[Callable[[Server, Path], Coroutine[Any, Any, None]], dict, dict]] = {
    "long": (working_long, {"delay_s": 0.5}, {}),
    "dying": (dying_often, {"action": "kill"}, {"restart_limit": 1000}),
    "broken": (dying_for_good, {"action": "kill"}, {"restart_limit": 1}),
    "wrong": (turning_wrong, {"wrong_file": "{folder}/wrong"}, {"canary_interval_s": 0.2, "restart_limit": 1}),
    "full": (overrun, {"delay_s": 0.5}, {"queue_limit": 0}),
    "queueing": (queueing_up, {"delay_s": 0.5}, {"queue_limit": 1000}),
    "late": (speaking_late, {"delay_s": 6}, {}),
    "missing": (nothing, {"broken_file": "{folder}"}, {}),
    "stood-in": (
        nothing,
        {"program": "{folder}/none"},
        {"engine": "tests.support.needs_program:NeedsProgram", "fallback_engine": "espeak"},
    ),
}
OF_A_POD = {
    "dying": "VigentWorkerCrashLoop",
    "broken": "VigentWorkerBroken",
    "wrong": "VigentWrongResults",
    "missing": "VigentEngineNotLoaded",
    "stood-in": "VigentStandIn",
}
FROM_THE_START = {"VigentEngineNotLoaded", "VigentStandIn"}
OF_A_SERVICE = ("VigentQueueGrowing", "VigentCallsRefused", "VigentFirstChunkSlow")


async def test_each_fault_raises_its_alert_and_a_long_inference_none(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        servers = dict(await asyncio.gather(*(started(stack, tmp_path, name) for name in FAULTS)))
        with ExitStack() as sync:
            targets = {name: server.metrics_address for name, server in servers.items()}
            opened = scraping(tmp_path / "prometheus", targets, hastened_rules("VigentQueueGrowing"))
            prometheus = await asyncio.to_thread(sync.enter_context, opened)
            for alert in {*OF_A_POD.values(), *OF_A_SERVICE} - FROM_THE_START:
                assert not await asyncio.to_thread(prometheus.fired, alert)
            faults = {name: asyncio.create_task(FAULTS[name][0](servers[name], tmp_path / name)) for name in FAULTS}
            for name, alert in OF_A_POD.items():
                await fires(prometheus, f'alertname="{alert}",instance="{targets[name]}"')
            for alert in OF_A_SERVICE:
                await fires(prometheus, f'alertname="{alert}",service="tts"')
            assert not faults["long"].done()
            assert await asyncio.to_thread(prometheus.alerts, "long") == set()
            for task in faults.values():
                task.cancel()
            for task in faults.values():
                with contextlib.suppress(asyncio.CancelledError):
                    await task


async def started(stack: AsyncExitStack, folder: Path, name: str) -> tuple[str, Server]:
    """A voice server with its fault to come."""
    own = folder / name
    own.mkdir()
    _, options, settings = FAULTS[name]
    told = {key: str(value).format(folder=own) for key, value in options.items()}
    return name, await stack.enter_async_context(listening(own, told, **{"canary_interval_s": 0, **settings}))


async def fires(prometheus: Prometheus, labels: str) -> None:
    await asyncio.to_thread(prometheus.until_fires, labels)
