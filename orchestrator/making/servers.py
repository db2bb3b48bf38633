"""The model servers as the orchestrator sees them: per service a set of replicas, each with its own channel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from orchestrator.settings import OrchestratorSettings
from services.base.client import open_channel, remote_errors
from services.base.errors import UnavailableError, VigentError
from services.runtime.health import PROBLEM_METADATA_KEY
from services.runtime.identity import ENGINE_METADATA_KEY
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

CALL_TIMEOUT_S = 1800.0
"""Longest time for a call that speaks, listens, lip-syncs or draws."""

_IDENTITY_TIMEOUT_S = 10.0
_PROBLEM_TIMEOUT_S = 2.0

StubT = TypeVar("StubT")


class Replica(Generic[StubT]):
    """One server (or one name behind which the channel balances) and our calls to it."""

    def __init__(self, target: str, service: str, stub: Callable[[aio.Channel], StubT]) -> None:
        self.channel = open_channel(target, service)
        self.stub = stub(self.channel)
        self.calls = self.calls_ever = 0
        self._target, self._request = target, health_pb2.HealthCheckRequest(service=service)

    @property
    def failing(self) -> bool:
        """Whether the channel knows that the server does not answer or does not serve."""
        return self.channel.get_state(try_to_connect=True) is grpc.ChannelConnectivity.TRANSIENT_FAILURE

    async def engine(self) -> str:
        """Name and version of its engine; waits while it starts. Raises VigentError when it does not serve."""
        health = health_pb2_grpc.HealthStub(self.channel)
        with remote_errors():
            call = health.Check(self._request, timeout=_IDENTITY_TIMEOUT_S, wait_for_ready=True)
            await call
            return str((await call.initial_metadata()).get(ENGINE_METADATA_KEY, ""))

    async def problem(self) -> str:
        """Why its engine cannot be loaded; empty when it does not say. Asks on a channel that does not avoid it."""
        async with aio.insecure_channel(self._target) as channel:
            call = health_pb2_grpc.HealthStub(channel).Check(self._request, timeout=_PROBLEM_TIMEOUT_S)
            try:
                await call
                return str((await call.trailing_metadata()).get(PROBLEM_METADATA_KEY, ""))
            except aio.AioRpcError:
                return ""


class Service(Generic[StubT]):
    """All replicas of one service. A call goes to the one with the fewest of our calls under way.

    Ties go to the replica that has had the fewest calls so far. Round robin alone would let two long streams queue on
    one GPU while another is idle.
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
        """Name and version of the engine behind the service, which is part of the recipe of what it makes.

        The replica that answers first decides. Raises UnavailableError when none serves.
        """
        asked = [asyncio.create_task(replica.engine()) for replica in self._replicas]
        try:
            for answer in asyncio.as_completed(asked):
                with contextlib.suppress(VigentError):
                    return await answer
        finally:
            for task in asked:
                task.cancel()
        problems = [problem for replica in self._replicas if (problem := await replica.problem())]
        raise UnavailableError(" ".join([f"No replica of {self._name} serves.", *problems]), "See `vigent probe`.")

    async def close(self) -> None:
        """Closes the channels."""
        for replica in self._replicas:
            await replica.channel.close()


class Servers:
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
