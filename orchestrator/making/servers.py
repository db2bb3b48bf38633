"""The model servers as the orchestrator sees them: a set of replicas per service, each with its own channel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from orchestrator.making.replicas import Replicas
from orchestrator.making.retry import RetryPolicy
from orchestrator.settings import OrchestratorSettings
from services.base.client import open_channel, remote_errors
from services.base.direct import direct_channel
from services.base.errors import UnavailableError, VigentError
from services.base.names import PROBLEM_METADATA_KEY, engine_name
from services.base.pauses import RetryBudgets, RetryShare
from services.text.pronunciation import ReadingKind
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.lipsync.v1.lipsync_pb2_grpc import LipsyncServiceStub
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

CALL_TIMEOUT_S = 1800.0
"""Longest time for a call that speaks, listens, lip-syncs or draws."""

_DESCRIBE_TIMEOUT_S = 10.0
_SILENCE_S = 3.0  # how long a server may take to answer before people are told
_PROBLEM_TIMEOUT_S = 2.0

VOICE, MOUTH, LISTENER, DRAWER = "a voice server", "a lip-sync server", "a listening server", "an overlay server"
"""What people are told we are waiting for."""

StubT = TypeVar("StubT")


@dataclass(frozen=True)
class Engine:
    """The engine behind a service. `identity` is part of the recipe of what it makes.

    `judges_takes`: what it hears is good enough to judge a take by. `languages` are BCP 47; empty: any language.
    `reads_pinyin`, `reads_ipa`: says a word as these tell it. `why`: why it is this engine, and which ones could not be
    used, for people.
    """

    identity: str
    judges_takes: bool = False
    languages: tuple[str, ...] = ()
    reads_pinyin: bool = False
    reads_ipa: bool = False
    why: str = ""

    def reads(self, kind: ReadingKind) -> bool:
        """Whether it can be told a reading; other words can be told to every voice."""
        return {ReadingKind.PINYIN: self.reads_pinyin, ReadingKind.IPA: self.reads_ipa}.get(kind, True)

    @property
    def name(self) -> str:
        """For people."""
        return engine_name(self.identity)


class Replica(Generic[StubT]):
    """One server and our calls to it."""

    def __init__(self, target: str, service: str, stub: Callable[[aio.Channel], StubT]) -> None:
        self.channel = open_channel(target, service)
        self.stub = stub(self.channel)
        self._runtime = runtime_pb2_grpc.RuntimeServiceStub(self.channel)  # a stub on a closed channel crashes grpcio
        self.calls = self.calls_ever = 0
        self._target, self._request = target, health_pb2.HealthCheckRequest(service=service)

    @property
    def doubt(self) -> int:
        """0 when it is known to serve, 2 when it does not; 1 while nothing is known, as of one that does not answer."""
        state = self.channel.get_state(try_to_connect=True)
        return {grpc.ChannelConnectivity.READY: 0, grpc.ChannelConnectivity.TRANSIENT_FAILURE: 2}.get(state, 1)

    async def engine(self) -> Engine:
        """What its engine is; waits while it starts. Raises VigentError when it does not serve."""
        with remote_errors():
            said = await self._runtime.Describe(
                runtime_pb2.DescribeRequest(), timeout=_DESCRIBE_TIMEOUT_S, wait_for_ready=True
            )
        can = said.capabilities
        why = ". ".join(reason for reason in (said.choice_reason, said.fallback_reason) if reason)
        return Engine(said.identity, can.judges_takes, tuple(can.languages), can.reads_pinyin, can.reads_ipa, why)

    async def problem(self) -> str:
        """Why its engine cannot be loaded; empty when it does not say. Asks on a channel without health checking."""
        async with direct_channel(self._target) as channel:
            call = health_pb2_grpc.HealthStub(channel).Check(self._request, timeout=_PROBLEM_TIMEOUT_S)
            try:
                await call
                return str((await call.trailing_metadata()).get(PROBLEM_METADATA_KEY, ""))
            except aio.AioRpcError:
                return ""

    async def close(self) -> None:
        """Closes the channel."""
        await self.channel.close()


class Service(Generic[StubT]):
    """All replicas of one service. A call goes to the one with the fewest of our calls under way.

    Ties go to the replica that has had the fewest calls so far. Round robin alone would let two long streams queue on
    one GPU while another is idle.
    """

    def __init__(self, targets: str, service: str, stub: Callable[[aio.Channel], StubT]) -> None:
        """`targets`: "host:port" or "dns:///name:port", several separated by commas; `service` is its full name."""
        self._name = service
        self.addresses = [target.strip().removeprefix("ipv4:") for target in targets.split(",")]
        self._replicas = Replicas(self.addresses, lambda address: Replica(address, service, stub))

    def at(self, whom: str) -> str:
        """`whom`, such as "a voice server", with the addresses where it is looked for."""
        return f"{whom} at {', '.join(self.addresses)}"

    @contextmanager
    def least_busy(self) -> Iterator[StubT]:
        """The stub of the replica to call, counted as busy until the context ends.

        Raises UnavailableError while there is none.
        """
        present = self._replicas.present
        if not present:
            raise UnavailableError(f"{self.at(f'No replica of {self._name}')} is known.", "Start one.")
        replica = min(present, key=lambda candidate: (candidate.doubt, candidate.calls, candidate.calls_ever))
        replica.calls += 1
        replica.calls_ever += 1
        try:
            yield replica.stub
        finally:
            replica.calls -= 1

    async def engine(self, late: Callable[[], None] = lambda: None) -> Engine:
        """The engine behind the service.

        The replica that answers first decides; `late` is called when none has answered for a while. Raises
        UnavailableError when none serves.
        """
        await self._replicas.look_up()
        present = self._replicas.present
        asked = [asyncio.create_task(replica.engine()) for replica in present]
        silence = asyncio.get_running_loop().call_later(_SILENCE_S, late)
        try:
            for answer in asyncio.as_completed(asked):
                with contextlib.suppress(VigentError):
                    return await answer
        finally:
            silence.cancel()
            for task in asked:
                task.cancel()
        problems = [problem for replica in present if (problem := await replica.problem())]
        absent = f"{self.at(f'No replica of {self._name}')} serves."
        raise UnavailableError(" ".join([absent, *problems]), "See `vigent probe`.")

    async def close(self) -> None:
        """Closes the channels."""
        await self._replicas.close()


class Servers:
    """Every model server that a film needs, and how many retries are left for each."""

    def __init__(self, settings: OrchestratorSettings) -> None:
        self.tts = Service(settings.tts, "vigent.tts.v1.TtsService", TtsServiceStub)
        self.lipsync = Service(settings.lipsync, "vigent.lipsync.v1.LipsyncService", LipsyncServiceStub)
        self.asr = Service(settings.asr, "vigent.asr.v1.AsrService", AsrServiceStub)
        self.overlay = Service(settings.overlay, "vigent.overlay.v1.OverlayService", OverlayServiceStub)
        self.retries = RetryBudgets(RetryShare(settings.retry_share))

    async def engines(self, policy: RetryPolicy) -> dict[str, Engine]:
        """The engine behind each service. Raises UnavailableError naming a service that does not answer."""
        return {
            "tts": await _engine_of(self.tts, VOICE, policy),
            "lipsync": await _engine_of(self.lipsync, MOUTH, policy),
            "asr": await _engine_of(self.asr, LISTENER, policy),
            "overlay": await _engine_of(self.overlay, DRAWER, policy),
        }

    async def close(self) -> None:
        """Closes all channels."""
        for service in (self.tts, self.lipsync, self.asr, self.overlay):
            await service.close()


async def _engine_of(service: Service[StubT], whom: str, policy: RetryPolicy) -> Engine:
    whom = service.at(whom)
    return await policy.retried(lambda: service.engine(lambda: policy.tell(whom)), whom)
