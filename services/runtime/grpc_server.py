"""What every gRPC server of the mesh does to start and stop: options, port, reflection, signals, drain."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.base.exits import port_error
from services.base.secure.mesh_tls import MeshTls, mesh_tls
from services.base.secure.own_user import OwnUserOnly
from services.base.settings import GrpcSettings
from services.runtime.health import Health
from services.runtime.running_calls import RunningCalls
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

_LOG = logging.getLogger(__name__)


def new_server(settings: GrpcSettings, *interceptors: grpc.aio.ServerInterceptor) -> grpc.aio.Server:
    """A server with explicit limits and the keepalive that `client.open_channel` expects."""
    return grpc.aio.server(
        interceptors=interceptors,
        options=[
            ("grpc.so_reuseport", 0),  # else a second server would silently share the port
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.http2.ping_timeout_ms", 5_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
            ("grpc.max_connection_age_ms", int(settings.max_connection_age_s * 1000)),
        ],
    )


def add_common_services(
    server: grpc.aio.Server, service: str, health: Health, runtime: runtime_pb2_grpc.RuntimeServiceServicer
) -> None:
    """Registers what every server has besides `service`, a full name: health, its description and reflection."""
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    runtime_pb2_grpc.add_RuntimeServiceServicer_to_server(runtime, server)
    common = [
        descriptor.services_by_name[name].full_name
        for descriptor, name in ((health_pb2.DESCRIPTOR, "Health"), (runtime_pb2.DESCRIPTOR, "RuntimeService"))
    ]
    reflection.enable_server_reflection((service, *common, reflection.SERVICE_NAME), server)


def bind(
    server: grpc.aio.Server, settings: GrpcSettings, section: str, neighbours: OwnUserOnly, *, tls: bool = True
) -> int:
    """Opens the port and returns it. Raises the `port_error` of a port that does not open.

    `neighbours`: the interceptor of this server that must know the port. `tls`: whether to use what the mesh has of it.
    """
    certificates = mesh_tls() if tls else None
    try:
        with socket.create_server((settings.host, settings.port)):
            pass  # tried first because gRPC writes its own lines to stderr when it fails
        neighbours.port = _listen(server, f"{settings.host}:{settings.port}", certificates)
    except (OSError, RuntimeError) as error:
        cause = str(error.strerror if isinstance(error, OSError) else error)
        problem = f"The port {settings.host}:{settings.port} cannot be opened: {cause.partition(' (while')[0]}."
        remedy = f"Set VIGENT_{section.upper()}_PORT to a free port."
        raise port_error(problem, remedy, "port", error) from error
    return neighbours.port


def _listen(server: grpc.aio.Server, place: str, certificates: MeshTls | None) -> int:
    if certificates is None:
        return server.add_insecure_port(place)
    return server.add_secure_port(place, certificates.server_credentials())


async def open_health_port(settings: GrpcSettings, health: Health, section: str) -> grpc.aio.Server | None:
    """A server for health checks alone, without TLS; None where none is asked for. Raises as `bind` does."""
    if settings.health_port is None:
        return None
    neighbours = OwnUserOnly(settings.host)
    server = new_server(settings, neighbours)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    place = settings.model_copy(update={"port": settings.health_port})
    bind(server, place, f"{section}_HEALTH", neighbours, tls=False)
    await server.start()
    return server


class StopSignals:
    """SIGTERM and SIGINT: the first asks for a drain, the second for an end at once."""

    def __init__(self) -> None:
        """Must be made on the event loop of the main thread."""
        self.first, self.second = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received, number)

    def _received(self, number: signal.Signals) -> None:
        _LOG.info("received %s", signal.Signals(number).name)
        (self.second if self.first.is_set() else self.first).set()


async def drain(
    server: grpc.aio.Server, health: Health, calls: RunningCalls, settings: GrpcSettings, signals: StopSignals
) -> bool:
    """Stops without failing a call: NOT_SERVING, a pause for balancers to turn away, then the end of running calls.

    Returns whether the drain was completed; False when a second signal cut it short.
    """
    forced = asyncio.ensure_future(signals.second.wait())
    gentle = asyncio.ensure_future(_drain(server, health, calls, settings))
    await asyncio.wait({forced, gentle}, return_when=asyncio.FIRST_COMPLETED)
    forced.cancel()
    if gentle.done():
        gentle.result()
        return True
    await server.stop(None)
    gentle.cancel()
    return False


async def _drain(server: grpc.aio.Server, health: Health, calls: RunningCalls, settings: GrpcSettings) -> None:
    await health.turn_away()
    await asyncio.sleep(settings.drain_delay_s)
    calls.refuse()
    ends_s = time.monotonic() + settings.drain_grace_s
    await calls.ended(settings.drain_grace_s)  # a stopping server refuses health checks, and would be taken for dead
    health.close()  # an open watch would hold the server for the whole grace period
    await server.stop(max(0.0, ends_s - time.monotonic()))
