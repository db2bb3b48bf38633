"""Liveness, readiness and metrics, for kubelet, supervisors and Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from gateway.http.access import caller_of
from gateway.http.admission import draining
from gateway.http.context import GatewayDep
from gateway.http.problems import Problem
from gateway.http.replicas import ServiceState

router = APIRouter(tags=["probes"])


@router.head("/livez", include_in_schema=False, response_class=PlainTextResponse)
@router.get("/livez", summary="Is the gateway alive", response_class=PlainTextResponse)
async def livez() -> str:
    """200 as long as the gateway itself responds, whatever state the mesh is in."""
    return "ok\n"


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Can the gateway accept jobs", responses={503: {"model": ServiceState}})
async def readyz(request: Request, gateway: GatewayDep, response: Response) -> ServiceState:
    """200 if the orchestrator is serving, else 503. Also 503 while the gateway shuts down.

    Its replicas are told to those alone who have a key.
    """
    if gateway.stopping.is_set():
        raise draining()
    state = await _probe(gateway, "orchestrator", response)
    return state if caller_of(request) else state.model_copy(update={"replicas": []})


@router.head("/probe/{service}", include_in_schema=False)
@router.get(
    "/probe/{service}",
    summary="Can a service be used",
    responses={503: {"model": ServiceState}, 404: {"model": Problem}, 422: {"model": Problem}},
)
async def probe(service: str, gateway: GatewayDep, response: Response) -> ServiceState:
    """200 if at least one replica is serving and not stalled, else 503."""
    return await _probe(gateway, service, response)


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", summary="Prometheus metrics", response_class=Response, include_in_schema=False)
async def metrics(request: Request, gateway: GatewayDep) -> Response:
    """The gateway's own metrics, with its view of the services; OpenMetrics and gzip if the client accepts them."""
    services = await gateway.mesh.all()
    accept, accept_encoding = (request.headers.get(name, "") for name in ("accept", "accept-encoding"))
    page, headers = gateway.metrics.page(services, accept, accept_encoding)
    return Response(page, headers=headers)


async def _probe(gateway: GatewayDep, service: str, response: Response) -> ServiceState:
    state = await gateway.mesh.service(service)
    response.status_code = 200 if state.ok else 503
    return state
