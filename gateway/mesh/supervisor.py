"""Keeps the processes of a mesh running: starts them, restarts what exits or is dead, ends all of them together.

The ladder for a hung engine is inside each model server. What is left for here is a process that exits, or whose
`liveness` is not SERVING several times in a row. Busy, slow and full are never reasons.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Self

from gateway.mesh.addresses import GATEWAY, service_of
from gateway.mesh.health import GrpcPatient, HttpPatient, Patient
from gateway.mesh.plan import MeshPlan
from gateway.mesh.process import MeshProcess, Say
from gateway.settings import MODEL_SERVICES
from services.base.errors import FailedPreconditionError

_PROBLEM_POLL_S = 0.5
_USAGE_ERROR = 2  # exit code of a process whose settings are wrong: starting it again changes nothing
_STOP_ORDER = ((GATEWAY,), ("orchestrator",), MODEL_SERVICES)


@dataclass(frozen=True)
class WatchdogPolicy:
    """When a process is restarted, and how often."""

    interval_s: float = 5.0
    timeout_s: float = 3.0
    misses: int = 3
    start_up_s: float = 120.0
    first_pause_s: float = 0.5
    longest_pause_s: float = 30.0
    restarts: int = 5
    window_s: float = 600.0
    stop_grace_s: float = 10.0


ONE_TRY = WatchdogPolicy(restarts=0)
"""For a process that is needed for a moment: what fails once is an error."""


class State(Enum):
    """Of a supervised process."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    CRASH_LOOP = "crash loop"
    STOPPED = "stopped"


class Supervised:
    """One process, kept running."""

    def __init__(
        self,
        name: str,
        address: str,
        module: str,
        environment: Mapping[str, str],
        say: Say,
        policy: WatchdogPolicy,
    ) -> None:
        self.name, self.address = name, address
        self.state = State.STARTING
        self.engine = self.problem = self.missing = ""
        self.ready, self.given_up, self.unable = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.process: MeshProcess | None = None
        self.restarts = 0
        self._module, self._environment, self._say, self._policy = module, environment, say, policy
        self._restart_times_s: list[float] = []

    async def keep_running(self) -> None:
        """Runs the process again and again, until cancelled or until it has used up its restarts."""
        while True:
            self.process = await MeshProcess.start(self.name, self._module, self._environment, self._say)
            reason, code = await self._run_once(self.process)
            self.ready.clear()
            pause_s = self._pause_s(code)
            if pause_s is None:
                self.state = State.CRASH_LOOP
                self._say(self.name, f"supervisor: {reason}; it is not started again.")
                self.given_up.set()
                return
            self.state = State.RESTARTING
            self.restarts += 1
            self._say(self.name, f"supervisor: {reason}; starting it again in {pause_s:.1f} s.")
            await asyncio.sleep(pause_s)

    async def stop(self) -> None:
        """Ends the process."""
        self.state = State.STOPPED
        if self.process is not None:
            await self.process.stop(self._policy.stop_grace_s)

    def kill(self) -> None:
        """Ends the process and its children at once."""
        if self.process is not None:
            self.process.kill()

    async def _run_once(self, process: MeshProcess) -> tuple[str, int]:
        """Until the process has ended, by itself or because it was found dead: why, and its exit code."""
        patient = self._patient()
        exit_ = asyncio.create_task(process.exited())
        dead = asyncio.create_task(self._until_dead(patient))
        ready = asyncio.create_task(self._until_ready(patient))
        try:
            await asyncio.wait({exit_, dead}, return_when=asyncio.FIRST_COMPLETED)
            if exit_.done():
                return f"exited with code {exit_.result()}", exit_.result()
            process.kill()
            return dead.result(), await exit_
        finally:
            for task in (dead, ready, exit_):
                task.cancel()
            await asyncio.wait({dead, ready, exit_})
            await patient.close()

    def _patient(self) -> Patient:
        return HttpPatient(self.address) if self.name == GATEWAY else GrpcPatient(self.name, self.address)

    async def _until_ready(self, patient: Patient) -> None:
        noting = asyncio.create_task(self._note_problem(patient))
        try:
            await patient.wait_ready()
        finally:
            noting.cancel()
        self.problem = ""
        self.unable.clear()
        self.engine = await patient.engine(self._policy.timeout_s)
        self.missing = await patient.missing(self._policy.timeout_s)
        if self.missing:
            self._say(self.name, f"supervisor: warning: {self.missing}")
        self.state = State.READY
        self.ready.set()

    async def _note_problem(self, patient: Patient) -> None:
        """A server whose engine cannot be loaded stays up, says why, and may yet get ready."""
        while not self.problem:
            await asyncio.sleep(_PROBLEM_POLL_S)
            self.problem = await patient.problem(self._policy.timeout_s)
        self.unable.set()

    async def _until_dead(self, patient: Patient) -> str:
        policy, misses, answered = self._policy, 0, False
        started_s = time.monotonic()
        while True:
            await asyncio.sleep(policy.interval_s)
            if await patient.alive(policy.timeout_s):
                misses, answered = 0, True
                continue
            answered = answered or self.ready.is_set()
            misses += answered  # a start takes as long as it takes
            if misses >= policy.misses:
                return f"liveness failed {misses} times in a row"
            if not answered and time.monotonic() - started_s > policy.start_up_s:
                return f"did not answer within {policy.start_up_s:g} s of its start"

    def _pause_s(self, code: int) -> float | None:
        """Seconds before the next start, growing with each; None when there is to be none."""
        now_s = time.monotonic()
        recent = [moment_s for moment_s in self._restart_times_s if now_s - moment_s < self._policy.window_s]
        self._restart_times_s = [*recent, now_s]
        if code == _USAGE_ERROR or len(recent) >= self._policy.restarts:
            return None
        return min(self._policy.first_pause_s * 2.0 ** len(recent), self._policy.longest_pause_s)


class Supervisor:
    """The processes of one mesh. Use as `async with Supervisor(...) as mesh: await mesh.wait_ready()`."""

    def __init__(
        self,
        plan: MeshPlan,
        data: Path,
        say: Say,
        names: Sequence[str] | None = None,
        policy: WatchdogPolicy = WatchdogPolicy(),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`names`: which of the plan's processes to run. `settings`: more of the environment for all of them."""
        self.processes = {
            name: Supervised(
                name,
                plan.addresses.address(name),
                plan.module(name),
                {**plan.environment(name, data), **(settings or {})},
                say,
                policy,
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
        lost = asyncio.create_task(self.wait_given_up())
        unable = asyncio.create_task(self._wait_unable())
        outcomes: set[asyncio.Task[Any]] = {ready, lost, unable}
        try:
            await asyncio.wait(outcomes, return_when=asyncio.FIRST_COMPLETED)
            if unable.done():
                name = unable.result()
                raise FailedPreconditionError(
                    f"{name} cannot load its engine: {self.processes[name].problem}",
                    f"Mend that, or choose another with VIGENT_{service_of(name).upper()}_ENGINE.",
                    reason="ENGINE_NOT_LOADED",
                )
            if lost.done():
                raise FailedPreconditionError(
                    f"{lost.result()} does not keep running.",
                    "Its own words above say why; `vigent doctor` looks at this machine.",
                    reason="CRASH_LOOP",
                )
        finally:
            for task in outcomes:
                task.cancel()
            await asyncio.wait(outcomes)

    async def _all_ready(self) -> None:
        for process in self.processes.values():
            await process.ready.wait()

    async def wait_given_up(self) -> str:
        """Waits for a process that is not started again; its name."""
        return await _first_set({name: process.given_up for name, process in self.processes.items()})

    async def _wait_unable(self) -> str:
        return await _first_set({name: process.unable for name, process in self.processes.items()})

    async def stop(self) -> None:
        """Ends all: who takes work first, who does it last."""
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
