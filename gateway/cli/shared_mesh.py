"""The mesh for one film: the one over the data folder, or one that is started for it and lets others use it too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

from rich.markup import escape

from gateway.cli.connect import find
from gateway.cli.output import err
from gateway.cli.waiting import telling, until_answered
from gateway.mesh.addresses import GATEWAY, PROCESSES
from gateway.mesh.health import GrpcProbe
from gateway.mesh.lock import hold, running_mesh, try_to_use
from gateway.mesh.log import LogFile
from gateway.mesh.plan import MeshPlan
from gateway.mesh.supervisor import Supervisor
from gateway.settings import GatewaySettings
from services.base.errors import FailedPreconditionError, UnavailableError

_POLL_S = 0.2
_START_S = 120.0
_NO_DRAIN_DELAY = {f"VIGENT_{name.upper()}_DRAIN_DELAY_S": "0" for name in PROCESSES}  # nobody uses it by then


@asynccontextmanager
async def orchestrator_for(data: Path, settings: GatewaySettings) -> AsyncIterator[str]:
    """Address of an orchestrator for as long as this context. Raises UnavailableError for one that does not start."""
    async with AsyncExitStack() as stack:
        address = None
        while address is None:
            address = await _shared(stack, data, settings) or await _own(stack, data)
        yield address


async def _shared(stack: AsyncExitStack, data: Path, settings: GatewaySettings) -> str | None:
    """Of the mesh that somebody else has started, which does not end before the context does; None if there is none."""
    if running_mesh(data) is None:
        return await find("orchestrator", data, settings)
    async with telling(_another_end):
        while (use := try_to_use(data)) is None:  # noqa: ASYNC110 - another process holds it
            await asyncio.sleep(_POLL_S)
    address = await _started(data)
    if address is None:
        use.close()
    else:
        stack.callback(use.close)
    return address


async def _another_end() -> str:
    return "another mesh over the same data folder to end"


async def _started(data: Path) -> str | None:
    """Of the mesh that holds the data folder, once it answers; None if there is none, or it ends before."""
    if (mesh := running_mesh(data)) is None:
        return None
    address = mesh.addresses["orchestrator"]
    probe = GrpcProbe("orchestrator", address)
    ready = asyncio.create_task(probe.wait_ready())
    try:
        async with until_answered("orchestrator", address), asyncio.timeout(_START_S):
            while not (await asyncio.wait([ready], timeout=_POLL_S))[0]:
                if running_mesh(data) != mesh:
                    return None
            return address
    except TimeoutError as error:
        problem = f"The mesh over {data} (process {mesh.pid}) is not ready after {_START_S:g} s."
        raise UnavailableError(problem, "Stop it, or choose another folder with --data.") from error
    finally:
        ready.cancel()
        await asyncio.wait([ready])
        await probe.close()


async def _own(stack: AsyncExitStack, data: Path) -> str | None:
    """Of a mesh of our own; None if somebody else was quicker."""
    try:
        return await stack.enter_async_context(_own_mesh(data))
    except FailedPreconditionError as error:
        if error.reason != "DATA_IN_USE":
            raise
        return None


@asynccontextmanager
async def _own_mesh(data: Path) -> AsyncIterator[str]:
    """Address of the orchestrator of a mesh that lives as long as this context; its log goes to a file.

    If others make films with it by then, it ends after theirs. Raises FailedPreconditionError, DATA_IN_USE.
    """
    plan = MeshPlan.here(port_base=0)
    addresses = {name: address for name, address in plan.addresses.by_name().items() if name != GATEWAY}
    with ExitStack() as last, hold(data, addresses), LogFile(data / "make.log") as log:
        err.print(f"No mesh is running; starting one for this film. Log: {log.path}")
        async with Supervisor(plan, data, log.say, list(addresses), settings=_NO_DRAIN_DELAY) as mesh:
            try:
                async with telling(mesh.unready):
                    await mesh.wait_ready()
            except FailedPreconditionError as error:
                if error.reason == "ENGINE_NOT_LOADED":  # the message is complete; a crash needs the log
                    raise
                raise FailedPreconditionError(f"{error.problem}\n{log.tail()}", error.remedy) from error
            for process in mesh.processes.values():
                if process.missing:
                    err.print(f"[yellow]Warning:[/] {escape(process.missing)}")
            yield addresses["orchestrator"]
            async with telling(_others):
                while (use := try_to_use(data, alone=True)) is None:  # noqa: ASYNC110 - other processes hold it
                    await asyncio.sleep(_POLL_S)
            last.callback(use.close)  # after the data folder is free: nobody uses a mesh that is ending


async def _others() -> str:
    return "the other films that are made with this mesh"
