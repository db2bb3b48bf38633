"""The model servers as the orchestrator sees them: per service a set of replicas, each with its own channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from orchestrator.settings import OrchestratorSettings
from services.runtime.client import open_channel, remote_errors
from services.runtime.identity import ENGINE_METADATA_KEY
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

_IDENTITY_TIMEOUT_S = 10.0

StubT = TypeVar("StubT")


class Replica(Generic[StubT]):
    """One server (or one name behind which the channel balances) and our calls to it."""

    def __init__(self, target: str, service: str, stub: Callable[[aio.Channel], StubT]) -> None:
        self.channel = open_channel(target, service)
        self.stub = stub(self.channel)
        self.calls = self.calls_ever = 0

    @property
    def failing(self) -> bool:
        """Whether the channel knows that the server does not answer or does not serve."""
        return self.channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.TRANSIENT_FAILURE


class Service(Generic[StubT]):
    """All replicas of one service. A call goes to the one with the fewest of our calls under way.

    Among those to the one that has had the fewest. Round robin alone lets two long streams queue on one GPU while
    another is idle.
    """

    def __init__(self, targets: str, service: str, stub: Callable[[aio.Channel], StubT]) -> None:
        self._name = service
        self._replicas = [Replica(target.strip(), service, stub) for target in targets.split(",")]

    @contextmanager
    def least_busy(self) -> Iterator[StubT]:
        """The stub of the replica to call, counted as busy until the context ends."""
        replica = min(self._replicas, key=lambda candidate: (candidate.failing, candidate.calls, candidate.calls_ever))
        replica.calls += 1
        replica.calls_ever += 1
        try:
            yield replica.stub
        finally:
            replica.calls -= 1

    async def engine(self) -> str:
        """Name and version of the engine behind the service, which is part of the recipe of what it makes."""
        channel = self._replicas[0].channel
        request = health_pb2.HealthCheckRequest(service=self._name)
        with remote_errors():
            call = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_IDENTITY_TIMEOUT_S, wait_for_ready=True)
            metadata = await call.initial_metadata()
        return str(metadata.get(ENGINE_METADATA_KEY, ""))

    async def close(self) -> None:
        """Closes the channels."""
        for replica in self._replicas:
            await replica.channel.close()


class Mesh:
    """Every model server that a film needs."""

    def __init__(self, settings: OrchestratorSettings) -> None:
        self.tts = Service(settings.tts, "vigent.tts.v1.TtsService", TtsServiceStub)
        self.lipsync = Service(settings.lipsync, "vigent.lipsync.v1.LipsyncService", LipsyncServiceStub)
        self.asr = Service(settings.asr, "vigent.asr.v1.AsrService", AsrServiceStub)
        self.overlay = Service(settings.overlay, "vigent.overlay.v1.OverlayService", OverlayServiceStub)

    async def engines(self) -> dict[str, str]:
        """The engine behind each service. Raises UnavailableError naming a service that does not answer."""
        return {
            "tts": await self.tts.engine(),
            "lipsync": await self.lipsync.engine(),
            "asr": await self.asr.engine(),
            "overlay": await self.overlay.engine(),
        }

    async def close(self) -> None:
        """Closes all channels."""
        for service in (self.tts, self.lipsync, self.asr, self.overlay):
            await service.close()
