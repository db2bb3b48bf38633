"""Finding the mesh that the command line is to use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.mesh.addresses import DEFAULT_DATA, apply_data_folder
from gateway.mesh.health import GrpcPatient
from gateway.mesh.lock import running_mesh
from gateway.settings import GatewaySettings
from services.base.errors import UnavailableError

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the mesh: media, jobs, caches.", show_default=True)]
_ANSWER_S = 10.0  # where nobody listens it is known at once; a server on a busy machine takes its time


def load_settings(data: Path) -> GatewaySettings:
    """The settings of this machine for the mesh over `data`. Raises InvalidInputError."""
    apply_data_folder(data)
    return GatewaySettings.load("gateway")


async def find(service: str, data: Path, settings: GatewaySettings) -> str | None:
    """Address of a running service: of the mesh that holds `data`, else as configured; None when none answers."""
    mesh = running_mesh(data)
    if mesh is not None and service in mesh.addresses:
        candidates = [mesh.addresses[service]]
    else:  # another data folder than the usual one belongs to no mesh at the usual addresses
        candidates = settings.targets(service) if data == DEFAULT_DATA else []
    for address in candidates:
        patient = GrpcPatient(service, address)
        try:
            if await patient.alive(_ANSWER_S):
                return address
        finally:
            await patient.close()
    return None


async def require(service: str, data: Path) -> str:
    """Address of a running service. Raises UnavailableError when none answers."""
    settings = load_settings(data)
    if (address := await find(service, data, settings)) is None:
        raise UnavailableError(
            f"No {service} answers at {getattr(settings, service)}.", "Start the mesh with `vigent up`."
        )
    return address
