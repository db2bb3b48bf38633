"""The mesh for one film: the one over the data folder, or one that is started for it and lets others use it too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.cli.connect import find
from gateway.cli.own_mesh import own_mesh
from gateway.cli.waiting import telling, until_answered
from gateway.mesh.health import GrpcProbe
from gateway.mesh.lock import running_mesh, try_to_use
from gateway.settings import GatewaySettings
from services.base.errors import FailedPreconditionError, UnavailableError

_POLL_S = 0.2
_START_S = 120.0


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
        return await stack.enter_async_context(own_mesh(data))
    except FailedPreconditionError as error:
        if error.reason != "DATA_IN_USE":
            raise
        return None
