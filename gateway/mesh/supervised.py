"""Keeps one process running: starts it, watches it, and starts it again when it has exited or is dead.

Each model server deals with its own hung engine. What is left to do here is to restart a process that exits, whose
`liveness` is not SERVING several times in a row, or that holds too much memory; nobody else starts or ends it. Only
wrong settings end it for good; whatever else goes wrong, in the process or here, may pass.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import TypeVar

from gateway.mesh.addresses import GATEWAY, drain_s
from gateway.mesh.health import GrpcProbe, HealthProbe, HttpProbe
from gateway.mesh.policy import Failures, WatchdogPolicy
from gateway.mesh.process import MeshProcess, Say
from gateway.mesh.watchdog import Watchdog
from gateway.settings import GatewaySettings
from services.base.errors import FailedPreconditionError
from services.base.exits import EXIT_USAGE

_PROBLEM_POLL_S = 0.5
_LONGEST_TRY_PAUSE_S = 5.0

_T = TypeVar("_T")


class State(Enum):
    """State of a supervised process."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    CRASH_LOOP = "crash loop"
    GIVEN_UP = "given up"
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
        """Raises InvalidInputError for wrong settings of its drain."""
        self.name, self.address = name, address
        self.state = State.STARTING
        self.engine = self.problem = self.missing = ""
        self.ready, self.unable, self.up = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.failing, self.given_up = asyncio.Event(), asyncio.Event()
        self.process: MeshProcess | None = None
        self.restarts = 0
        self._asked = False
        self._module, self._environment, self._say, self._policy = module, environment, say, policy
        self._failures = Failures(policy)
        self._stop_s = drain_s(name, environment) + policy.stop_grace_s

    async def keep_running(self) -> None:
        """Runs the process again and again, until cancelled or until its settings prove wrong."""
        probe = await self._insisting(self._probe)
        try:
            while True:
                self._failures.started()
                reason, code = await self._life(probe)
                self.process = None
                self.ready.clear()
                self.problem = ""  # the next life may have another
                if code == EXIT_USAGE:
                    self._give_up(reason)
                    return
                if self._asked:
                    self._begin_again()
                else:
                    await self._rest(reason)
        finally:
            await probe.close()

    async def restart(self) -> None:
        """Lets the process finish its calls, and starts it anew; returns when that one is ready.

        Raises FailedPreconditionError when it does not get ready.
        """
        if (process := self.process) is not None:
            self._asked = True
            for event in (self.ready, self.unable, self.failing):
                event.clear()
            await process.end(self._stop_s)
        waits = [asyncio.ensure_future(event.wait()) for event in (self.ready, self.unable, self.failing)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self.ready.is_set():
            problem = f"{self.name} does not get ready again. {self.problem}".strip()
            raise FailedPreconditionError(problem, "Its own words say why, in the log of `vigent up`.")

    async def stop(self) -> None:
        """Ends the process, which may take its time to drain."""
        self.state = State.STOPPED
        if self.process is not None:
            await self.process.stop(self._stop_s)

    def kill(self) -> None:
        """Ends the process and its children at once."""
        if self.process is not None:
            self.process.kill()

    def _begin_again(self) -> None:
        """An end that was asked for is no failure."""
        self._asked = False
        self.state = State.RESTARTING
        self._tell("has ended as asked; starting it again.")

    def _give_up(self, reason: str) -> None:
        self.state = State.GIVEN_UP
        self._tell(f"{reason}: its settings are wrong; not restarting it.")
        self.given_up.set()
        self.failing.set()

    async def _rest(self, reason: str) -> None:
        """The pause before the next start."""
        self._failures.failed()
        self.state = State.CRASH_LOOP if self._failures.looping else State.RESTARTING
        loop = f"{self.state.value}: " if self._failures.looping else ""
        self._tell(f"{loop}{reason}; restarting in {self._failures.pause_s:.1f} s.")
        if self._failures.looping:
            self.failing.set()
        self.restarts += 1
        await asyncio.sleep(self._failures.pause_s)

    async def _life(self, probe: HealthProbe) -> tuple[str, int | None]:
        """One run, from start to end: why it ended, and its exit code, None when there is none."""
        try:
            self.process = await MeshProcess.start(self.name, self._module, self._environment, self._say)
        except Exception as error:
            return f"cannot be started: {_words(error)}", None
        try:
            return await self._run_once(self.process, probe)
        except Exception as error:
            self.process.kill()
            return f"cannot be monitored: {_words(error)}", None

    async def _run_once(self, process: MeshProcess, probe: HealthProbe) -> tuple[str, int]:
        """Until the process has ended, by itself or because it was found dead: why, and its exit code."""
        watchdog = Watchdog(probe, self.address, self._policy, self._stop_s, self.ready.is_set)
        exit_ = asyncio.create_task(process.exited())
        dead = asyncio.create_task(self._insisting(watchdog.until_dead))
        ready = asyncio.create_task(self._insisting(lambda: self._until_ready(probe)))
        try:
            await asyncio.wait({exit_, dead}, return_when=asyncio.FIRST_COMPLETED)
            if exit_.done():
                return f"exited with code {exit_.result()}", exit_.result()
            verdict = dead.result()
            if verdict.gentle:
                self._tell(f"{verdict.reason}; it finishes its calls.")
                await process.end(self._stop_s)
            else:
                process.kill()
            return verdict.reason, await exit_
        finally:
            for task in (dead, ready, exit_):
                task.cancel()
            await asyncio.wait({dead, ready, exit_})

    async def _probe(self) -> HealthProbe:
        if self.name == GATEWAY:
            return HttpProbe(self.address, GatewaySettings.load(GATEWAY).scheme)
        return GrpcProbe(self.name, self.address)

    async def _until_ready(self, probe: HealthProbe) -> None:
        noting = asyncio.create_task(self._insisting(lambda: self._note_problem(probe)))
        try:
            await probe.wait_ready()
        finally:
            noting.cancel()
        self.problem = ""
        self.unable.clear()
        self.engine = await probe.engine(self._policy.timeout_s)
        self.missing = await probe.missing(self._policy.timeout_s)
        if self.missing:
            self._tell(f"warning: {self.missing}")
        self.state = State.READY
        self.failing.clear()
        self.ready.set()
        self.up.set()

    async def _note_problem(self, probe: HealthProbe) -> None:
        """A server whose engine cannot be loaded stays up, says why, and may yet get ready."""
        while not self.problem:
            await asyncio.sleep(_PROBLEM_POLL_S)
            self.problem = await probe.problem(self._policy.timeout_s)
        self.unable.set()
        self.up.set()

    async def _insisting(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """The result of `work`. Its failures are not the process's fault: they are logged, and it is tried again."""
        tries = 0
        while True:
            try:
                return await work()
            except Exception as error:
                tries += 1
                pause_s = min(self._policy.pause_s(tries), _LONGEST_TRY_PAUSE_S)
                self._tell(f"cannot be monitored: {_words(error)}; trying again in {pause_s:.1f} s.")
            await asyncio.sleep(pause_s)

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a full disk or a closed terminal is no reason to leave the process alone
            self._say(self.name, f"supervisor: {line}")


def _words(error: Exception) -> str:
    """One line about what went wrong on this machine."""
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(told.split()) or type(error).__name__
