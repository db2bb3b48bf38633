"""Attempts at a job that are cancelled, retried and left by their callers at the worst moment."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import pytest_asyncio
import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from orchestrator.jobs.collector import Collector
from orchestrator.jobs.durable import DurableEngine
from orchestrator.jobs.forecast import Forecaster
from orchestrator.jobs.metrics import JobMetrics
from orchestrator.jobs.records import JobRecords
from orchestrator.jobs.room import DiskRoom
from orchestrator.jobs.servicer import JobServicer
from orchestrator.making.film import FilmMaker
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.sample import Sampler
from orchestrator.making.servers import Servers
from orchestrator.settings import OrchestratorSettings
from services.base.errors import CancelledError, FailedPreconditionError, NotFoundError
from services.media.colours import BLACK
from services.media.store import MediaStore, media_ref
from services.runtime.interceptors import RpcGuard
from services.runtime.metrics import ServerMetrics
from services.runtime.running_calls import RunningCalls
from tests.support.servers import TTS
from vigent.jobs.v1 import jobs_pb2
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMEOUT_S = 60.0
QUEUED, RUNNING = jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING
FAILED, CANCELLED = jobs_pb2.JOB_STATE_FAILED, jobs_pb2.JOB_STATE_CANCELLED


class Durable:
    """The durable engine, of which there can be one a process, and the maker that it works for."""

    def __init__(self, folder: Path) -> None:
        self.engine = DurableEngine(f"sqlite:///{folder / 'durable.db'}", "orchestrator", 4)
        self.maker: FilmMaker
        self._ended: defaultdict[tuple[str, int], asyncio.Event] = defaultdict(asyncio.Event)

    async def make(self, job_id: str, attempt: int) -> None:
        try:
            await self.maker.make(job_id, attempt)
        finally:
            self._ended[job_id, attempt].set()

    async def turn_of(self, _job_id: str) -> int:
        return 1

    async def until_ended(self, job_id: str, attempt: int) -> None:
        """Waits until no more work is done on an attempt."""
        await asyncio.wait_for(self._ended[job_id, attempt].wait(), TIMEOUT_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def durable(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Durable]:
    durable = Durable(tmp_path_factory.mktemp("durable"))
    await durable.engine.start(durable.make, durable.turn_of)
    sa.event.listen(sa.Engine, "after_cursor_execute", leave)
    yield durable
    await asyncio.to_thread(durable.engine.stop)
    sa.event.remove(sa.Engine, "after_cursor_execute", leave)


leaver: ContextVar[Callable[[], None]] = ContextVar("leaver")
"""Of a call whose caller goes when the database takes its change, before the call hears of that."""


def leave(_connection: object, _cursor: object, statement: str, *_: object) -> None:
    if statement.startswith(("INSERT", "UPDATE")) and (go := leaver.get(None)):
        go()


async def left_at_once(call: Coroutine[object, object, object]) -> None:
    """Makes a call that is cancelled in its first change of the database, as gRPC does when its caller goes."""
    loop = asyncio.get_running_loop()

    async def made() -> None:
        leaver.set(lambda: loop.call_soon_threadsafe(task.cancel))
        await call

    task = asyncio.create_task(made())
    with pytest.raises(asyncio.CancelledError):
        await task


@dataclass
class Orchestrator:
    """The parts of an orchestrator. Its voice server takes connections and says nothing, until it is closed."""

    records: JobRecords
    maker: FilmMaker
    servicer: JobServicer
    request: jobs_pb2.SubmitJobRequest
    store: MediaStore
    voice: socket.socket

    async def submit(self) -> jobs_pb2.Job:
        return (await self.servicer.SubmitJob(self.request, None)).job

    async def cancel(self, job_id: str) -> jobs_pb2.Job:
        return (await self.servicer.CancelJob(jobs_pb2.CancelJobRequest(id=job_id), None)).job

    async def retry(self, job_id: str) -> jobs_pb2.Job:
        return (await self.servicer.RetryJob(jobs_pb2.RetryJobRequest(id=job_id), None)).job

    async def until(self, job_id: str, state: int) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                change = self.records.next_change(job_id)
                if (await self.records.get(job_id)).state == state:
                    return
                await change.wait()


@pytest_asyncio.fixture(loop_scope="module")
async def orchestrator(tmp_path: Path, durable: Durable) -> AsyncIterator[Orchestrator]:
    with socket.create_server(("127.0.0.1", 0)) as voice:
        tts = f"127.0.0.1:{voice.getsockname()[1]}"
        settings = OrchestratorSettings(media_root=tmp_path / "media", tts=tts, attempts=1)
        records, store, servers = (
            JobRecords(f"sqlite:///{tmp_path / 'jobs.db'}"),
            MediaStore(tmp_path / "media"),
            Servers(settings),
        )
        room, metrics = DiskRoom(store, settings.least_free_bytes), JobMetrics(CollectorRegistry(), records)
        collector = Collector(records, durable.engine, store, room, settings)
        durable.maker = FilmMaker(
            settings, records, store, servers, metrics, durable.engine.enqueue, room, collector.require_room
        )
        sampler = Sampler(store, servers, RetryPolicy(1), BLACK)
        parts = records, durable.engine, durable.maker, store, settings, RunningCalls(), sampler, collector
        servicer = JobServicer(*parts, Forecaster(settings, store, servers))
        spec = jobs_pb2.JobSpec(script="Hello.", footage=media_ref(store.put_bytes(b"footage")))
        request = jobs_pb2.SubmitJobRequest(spec=spec)
        yield Orchestrator(records, durable.maker, servicer, request, store, voice)
    await servers.close()


async def test_a_job_whose_caller_leaves_at_once_is_made(orchestrator: Orchestrator) -> None:
    await left_at_once(orchestrator.submit())
    ((job,), _) = await orchestrator.records.list_page(10, None, 0)
    await orchestrator.until(job.id, RUNNING)


async def test_a_retry_whose_caller_leaves_at_once_is_made(orchestrator: Orchestrator) -> None:
    job = await orchestrator.submit()
    await orchestrator.cancel(job.id)
    await left_at_once(orchestrator.retry(job.id))
    await orchestrator.until(job.id, RUNNING)


async def test_a_cancel_whose_caller_leaves_at_once_stops_the_work(
    orchestrator: Orchestrator, durable: Durable
) -> None:
    job = await orchestrator.submit()
    await orchestrator.until(job.id, RUNNING)
    await left_at_once(orchestrator.cancel(job.id))
    await durable.until_ended(job.id, 0)


async def test_nothing_is_told_of_a_job_after_its_end(orchestrator: Orchestrator, durable: Durable) -> None:
    job = await orchestrator.submit()
    await orchestrator.until(job.id, RUNNING)
    for _ in range(2):
        await orchestrator.cancel(job.id)
    await durable.until_ended(job.id, 0)
    states = [event.state for event in await orchestrator.records.events_after(job.id, 0)]
    assert states.count(CANCELLED) == 1
    assert states[-1] == CANCELLED


async def test_of_two_retries_at_once_one_is_taken(orchestrator: Orchestrator) -> None:
    job = await orchestrator.submit()
    await orchestrator.cancel(job.id)
    answers = await asyncio.gather(*(orchestrator.retry(job.id) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(answer, FailedPreconditionError) for answer in answers) == 3
    await orchestrator.until(job.id, RUNNING)
    assert await orchestrator.records.attempt(job.id) == 1


async def test_cancels_and_retries_in_any_order_leave_a_job_that_goes_on_or_is_cancelled(
    orchestrator: Orchestrator,
) -> None:
    job = await orchestrator.submit()
    for _ in range(5):
        acts = [orchestrator.cancel, orchestrator.retry, orchestrator.cancel, orchestrator.retry]
        await asyncio.gather(*(act(job.id) for act in acts), return_exceptions=True)
    await orchestrator.cancel(job.id)
    await orchestrator.retry(job.id)
    await orchestrator.until(job.id, RUNNING)
    orchestrator.voice.close()
    await orchestrator.until(job.id, FAILED)


async def test_a_retry_of_what_can_no_longer_become_a_film_is_refused(orchestrator: Orchestrator) -> None:
    job = await orchestrator.submit()
    await orchestrator.cancel(job.id)
    orchestrator.store.discard(job.spec.footage.sha256)
    with pytest.raises(NotFoundError) as caught:
        await orchestrator.retry(job.id)
    assert caught.value.field == "spec.footage"
    assert (await orchestrator.records.get(job.id)).state == CANCELLED


async def test_interrupting_an_attempt_leaves_the_next_one_alone(orchestrator: Orchestrator) -> None:
    job = await orchestrator.submit()
    await orchestrator.until(job.id, RUNNING)
    await orchestrator.cancel(job.id)
    await orchestrator.retry(job.id)
    await orchestrator.until(job.id, RUNNING)
    orchestrator.maker.interrupt(job.id, 0)
    orchestrator.voice.close()
    await orchestrator.until(job.id, FAILED)  # by its own work, which went on


@pytest.mark.fault("orchestrator frozen while another attempt works on", promised="What comes late changes nothing.")
async def test_an_attempt_that_another_has_followed_does_nothing(orchestrator: Orchestrator, durable: Durable) -> None:
    """As after a crash between a cancel and what follows from it, when the durable engine recovers the attempt."""
    job = await orchestrator.submit()
    await orchestrator.until(job.id, RUNNING)
    await orchestrator.cancel(job.id)
    await durable.until_ended(job.id, 0)
    await orchestrator.records.change(job.id, queue, new_attempt=True)  # a retry that is not under way yet
    events = await orchestrator.records.events_after(job.id, 0)
    await orchestrator.maker.make(job.id, 0)
    assert (await orchestrator.records.get(job.id)).state == QUEUED
    assert await orchestrator.records.events_after(job.id, 0) == events


class GivingUp(tts_pb2_grpc.TtsServiceServicer):
    """Ends a call that its caller has not."""

    async def ListVoices(self, request: object, context: object) -> tts_pb2.ListVoicesResponse:  # noqa: N802
        raise CancelledError("The caller neither read nor sent for 120 s.", reason="CALLER_IDLE")


class Described(runtime_pb2_grpc.RuntimeServiceServicer):
    """Has an engine of no particular kind."""

    async def Describe(self, request: object, context: object) -> runtime_pb2.DescribeResponse:  # noqa: N802
        return runtime_pb2.DescribeResponse(engine="giver", identity="giver 1")


async def test_a_job_that_a_server_gives_up_has_failed(orchestrator: Orchestrator, durable: Durable) -> None:
    server = grpc.aio.server(interceptors=[RpcGuard(ServerMetrics("tts"), TTS)])
    tts_pb2_grpc.add_TtsServiceServicer_to_server(GivingUp(), server)
    runtime_pb2_grpc.add_RuntimeServiceServicer_to_server(Described(), server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    everywhere = dict.fromkeys(("tts", "lipsync", "asr", "overlay"), address)
    settings = OrchestratorSettings(media_root=orchestrator.store.root, attempts=1, **everywhere)
    records, servers, metrics = (
        orchestrator.records,
        Servers(settings),
        JobMetrics(CollectorRegistry(), orchestrator.records),
    )
    store, enqueue = orchestrator.store, durable.engine.enqueue
    room = DiskRoom(store, settings.least_free_bytes)
    require_room = Collector(records, durable.engine, store, room, settings).require_room
    durable.maker = FilmMaker(settings, records, store, servers, metrics, enqueue, room, require_room)
    job = await orchestrator.submit()
    await orchestrator.until(job.id, FAILED)
    assert (await records.get(job.id)).error.reason == "CALLER_IDLE"
    await servers.close()
    await server.stop(None)


def queue(job: jobs_pb2.Job) -> None:
    job.state = QUEUED
