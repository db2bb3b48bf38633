"""`vigent restart`: new processes for a service that runs, without a call or a job lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.connect import DataOption
from gateway.cli.output import out
from gateway.mesh import control
from gateway.mesh.addresses import DEFAULT_DATA


def restart(
    service: Annotated[str, typer.Argument(help="Such as tts, lipsync-2, orchestrator; all when left out.")] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Restart a service of the mesh that runs: each process finishes its calls first, one after another."""
    asyncio.run(_restart(data, service))


async def _restart(data: Path, service: str) -> None:
    async for words in control.restart(data, service):
        out.print(words, markup=False)
