"""`vigent probe`: one gRPC health check, for scripts and exec probes."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.cli.output import err, out
from gateway.cli.waiting import until_answered
from services.base.direct import direct_channel
from services.base.errors import InvalidInputError
from services.base.names import FALLBACK_METADATA_KEY, PROBLEM_METADATA_KEY

_ADDRESS = re.compile(r"\S+:\d{1,5}", re.ASCII)

EXIT_SERVING, EXIT_NOT_SERVING, EXIT_UNREACHABLE = 0, 1, 2


def probe(
    address: Annotated[str, typer.Argument(help="host:port of a gRPC server.")],
    service: Annotated[str, typer.Option(help="Full name of a service, or liveness; empty for the whole server.")] = "",
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds to wait.", min=0.01)] = 1.0,
) -> None:
    """Check a server's health. Exits with 0 if it is serving, 1 if not, 2 if it is unreachable or lacks the service."""
    if not _ADDRESS.fullmatch(address):  # gRPC would report it in lines of its own
        raise InvalidInputError(f"{address!r} is not an address.", "Give host:port.", "ADDRESS")
    raise typer.Exit(asyncio.run(_probe(address, service, timeout_s)))


async def _probe(address: str, service: str, timeout_s: float) -> int:
    async with direct_channel(address) as channel, until_answered(service or "the server", address):
        request = health_pb2.HealthCheckRequest(service=service)
        call = health_pb2_grpc.HealthStub(channel).Check(request, timeout=timeout_s)
        try:
            response = await call
            metadata = await call.trailing_metadata()
        except grpc.aio.AioRpcError as error:
            err.print(_reason(error, address, service), markup=False)
            return EXIT_UNREACHABLE
    out.print(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
    for key in (PROBLEM_METADATA_KEY, FALLBACK_METADATA_KEY):
        if told := metadata.get(key):
            err.print(told, markup=False)
    serving = response.status == health_pb2.HealthCheckResponse.SERVING
    return EXIT_SERVING if serving else EXIT_NOT_SERVING


def _reason(error: grpc.aio.AioRpcError, address: str, service: str) -> str:
    match error.code():
        case grpc.StatusCode.NOT_FOUND:
            return f"{address} has no service {service!r}."
        case grpc.StatusCode.UNIMPLEMENTED:
            return f"{address} has no health service."
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"{address} did not answer in time."
    return f"{address} does not answer: {error.details()}"
