"""Finds the mesh that the command line uses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.waiting import tell, until_answered
from gateway.mesh.addresses import DEFAULT_DATA, apply_data_folder
from gateway.mesh.health import GrpcProbe
from gateway.mesh.lock import running_mesh
from gateway.settings import GatewaySettings
from services.base.errors import UnavailableError
from services.base.private import keep_files_private

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the mesh: media, jobs, caches.", show_default=True)]
_ANSWER_S = 10.0  # a closed port is known at once, but a server on a busy machine may be slow


def load_settings(data: Path) -> GatewaySettings:
    """The settings of this machine for the mesh over `data`. Raises InvalidInputError."""
    keep_files_private()
    apply_data_folder(data)
    return GatewaySettings.load("gateway")


async def find(service: str, data: Path, settings: GatewaySettings) -> str | None:
    """Address of a running service: in the mesh that holds `data`, else as configured; None when none answers."""
    candidates = _candidates(service, data, settings)
    address = await _first_answering(service, candidates)
    if address is None and candidates and service in settings.model_fields_set:  # set on purpose, so say that it failed
        tell(_absent(service, candidates))
    return address


async def require(service: str, data: Path) -> str:
    """Address of a running service. Raises UnavailableError when none answers."""
    settings = load_settings(data)
    candidates = _candidates(service, data, settings)
    if (address := await _first_answering(service, candidates)) is not None:
        return address
    problem = _absent(service, candidates) if candidates else f"No {service} is running on {data}."
    raise UnavailableError(problem, "Start the mesh with `vigent up`.")


def _candidates(service: str, data: Path, settings: GatewaySettings) -> list[str]:
    mesh = running_mesh(data)
    if mesh is not None and service in mesh.addresses:
        return [mesh.addresses[service]]
    # a mesh at the usual addresses would not be using an unusual data folder
    return settings.targets(service) if data == DEFAULT_DATA else []


def _absent(service: str, addresses: list[str]) -> str:
    return f"No {service} answers at {', '.join(addresses)}."


async def _first_answering(service: str, addresses: list[str]) -> str | None:
    for address in addresses:
        if await _answers(service, address):
            return address
    return None


async def _answers(service: str, address: str) -> bool:
    probe = GrpcProbe(service, address)
    try:
        async with until_answered(service, address):
            return await probe.alive(_ANSWER_S)
    finally:
        await probe.close()
