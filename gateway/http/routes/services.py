"""The mesh as it is now."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from gateway.http.context import GatewayDep
from gateway.http.replicas import ServiceState

router = APIRouter(prefix="/api/v1/services", tags=["mesh"])


class Services(BaseModel):
    """Every service of the mesh."""

    services: list[ServiceState] = Field(description="The orchestrator, then the model servers.")


@router.get("", summary="Look at the mesh")
async def services(gateway: GatewayDep) -> Services:
    """Health, state, engine and queue of every service and each of its replicas."""
    return Services(services=await gateway.mesh.all())
