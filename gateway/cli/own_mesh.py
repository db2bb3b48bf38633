"""A mesh for one film, where none runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from rich.markup import escape

from gateway.cli.output import err
from gateway.cli.waiting import telling
from gateway.mesh.addresses import GATEWAY, PROCESSES
from gateway.mesh.lock import hold, try_to_use
from gateway.mesh.log import LogFile
from gateway.mesh.plan import MeshPlan
from gateway.mesh.supervisor import Supervisor
from services.base.errors import FailedPreconditionError

_POLL_S = 0.2
_NO_DRAIN_DELAY = {f"VIGENT_{name.upper()}_DRAIN_DELAY_S": "0" for name in PROCESSES}  # nobody else uses this mesh


@asynccontextmanager
async def own_mesh(data: Path) -> AsyncIterator[str]:
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
