"""Runs the processes of a mesh together: starts them, waits for them, ends all of them in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from gateway.mesh.addresses import GATEWAY, service_of
from gateway.mesh.plan import MeshPlan
from gateway.mesh.policy import WatchdogPolicy
from gateway.mesh.process import Say
from gateway.mesh.settings import MeshSettings
from gateway.mesh.supervised import Supervised
from gateway.settings import MODEL_SERVICES
from services.base.errors import FailedPreconditionError, InvalidInputError

_STOP_ORDER = ((GATEWAY,), ("orchestrator",), MODEL_SERVICES)


class Supervisor:
    """The processes of one mesh. Use as `async with Supervisor(...) as mesh: await mesh.wait_ready()`."""

    def __init__(
        self,
        plan: MeshPlan,
        data: Path,
        say: Say,
        names: Sequence[str] | None = None,
        policy: WatchdogPolicy | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`names`: which of the plan's processes to run. `settings`: extra environment for all of them.

        `policy` holds for all of them; None: as the settings have it for each. Raises InvalidInputError for wrong ones.
        """
        policy_of = MeshSettings.load().policy if policy is None else lambda _: policy
        self.processes = {
            name: Supervised(
                name,
                plan.addresses.address(name),
                plan.module(name),
                {**plan.environment(name, data), **(settings or {})},
                say,
                policy_of(service_of(name)),
            )
            for name in (plan.names if names is None else names)
        }
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        for name, process in self.processes.items():
            self._tasks[name] = asyncio.create_task(process.keep_running(), name=f"keep {name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def wait_ready(self) -> None:
        """Returns when all are ready.

        Raises FailedPreconditionError when one cannot be kept running (CRASH_LOOP) or cannot load its engine
        (ENGINE_NOT_LOADED).
        """
        ready = asyncio.create_task(self._all_ready())
        lost = asyncio.create_task(self.wait_failing())
        unable = asyncio.create_task(self._wait_unable())
        outcomes: set[asyncio.Task[Any]] = {ready, lost, unable}
        try:
            await asyncio.wait(outcomes, return_when=asyncio.FIRST_COMPLETED)
            if unable.done():
                name = unable.result()
                raise FailedPreconditionError(
                    f"{name} cannot load its engine: {self.processes[name].problem}",
                    f"Fix that, or choose another engine with VIGENT_{service_of(name).upper()}_ENGINE.",
                    reason="ENGINE_NOT_LOADED",
                )
            if lost.done():
                raise FailedPreconditionError(
                    f"{lost.result()} keeps failing.",
                    "Its output above says why; `vigent doctor` checks this machine.",
                    reason="CRASH_LOOP",
                )
        finally:
            for task in outcomes:
                task.cancel()
            await asyncio.wait(outcomes)

    async def unready(self) -> str:
        """What is not ready, and where it should listen, such as "tts at 127.0.0.1:8051"; empty when all are ready."""
        waiting = [process for process in self.processes.values() if not process.ready.is_set()]
        return ", ".join(f"{process.name} at {process.address}" for process in waiting)

    async def _all_ready(self) -> None:
        for process in self.processes.values():
            await process.ready.wait()

    async def wait_up(self) -> None:
        """Returns when each has been ready, or has said why it cannot load its engine."""
        for process in self.processes.values():
            await process.up.wait()

    async def wait_given_up(self) -> str:
        """Waits until a process is given up; returns its name."""
        return await _first_set({name: process.given_up for name, process in self.processes.items()})

    async def wait_failing(self) -> str:
        """Waits until a process is given up, or restarted only after ever longer pauses; returns its name."""
        return await _first_set({name: process.failing for name, process in self.processes.items()})

    async def _wait_unable(self) -> str:
        return await _first_set({name: process.unable for name, process in self.processes.items()})

    async def restart(self, service: str) -> AsyncIterator[str]:
        """Restarts the processes of a service one after another, of all services when empty; says what is done.

        While there are several, the others take its calls. Raises InvalidInputError for an unknown service,
        FailedPreconditionError when a process does not get ready again; the rest is then left as it is.
        """
        names = [name for name in self.processes if not service or service in {name, service_of(name)}]
        if not names:
            known = ", ".join(dict.fromkeys(map(service_of, self.processes)))
            raise InvalidInputError(f"There is no service {service[:40]!r}.", f"Name one of {known}.", "service")
        for name in names:
            yield f"{name} finishes its calls ..."
            await self.processes[name].restart()
            yield f"{name} is ready again."

    async def stop(self) -> None:
        """Ends all: those that accept work first, those that do it last."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for services in _STOP_ORDER:
            ending = [process for name, process in self.processes.items() if service_of(name) in services]
            await asyncio.gather(*(process.stop() for process in ending))

    def kill(self) -> None:
        """Ends all at once."""
        for process in self.processes.values():
            process.kill()


async def _first_set(events: Mapping[str, asyncio.Event]) -> str:
    """Name of the event that is set first."""
    waits = {asyncio.create_task(event.wait(), name=name) for name, event in events.items()}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().get_name()
    finally:
        for task in waits:
            task.cancel()
