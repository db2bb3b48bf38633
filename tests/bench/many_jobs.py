"""`thousand_start`, `thousand_list`, `thousand_ready`: an orchestrator with a thousand finished jobs over one with ten.

In seconds of its processor, since all of them are too short for a clock on the wall.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from orchestrator.client import JOB_SERVICE, JobClient
from orchestrator.jobs.records import JobRecords, timestamp_now
from services.base.client import open_channel
from tests.bench.figures import Figure
from tests.support.mesh import Server, run_server
from vigent.jobs.v1 import jobs_pb2
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

FEW, MANY = 10, 1000
_SENTENCES, _EVENTS = 40, 12
_CALLS, _BLOCKS, _STARTS = 100, 7, 3
_QUESTION = runtime_pb2.GetStatusRequest()


async def _fill(database_url: str, count: int) -> None:
    """Finished jobs of some minutes, with what their making left in the database."""
    records = JobRecords(database_url)
    for number in range(count):
        job = jobs_pb2.Job(id=f"job-{number:020}", state=jobs_pb2.JOB_STATE_QUEUED, create_time=timestamp_now())
        job.spec.script = "This is a sentence of some length. " * _SENTENCES
        await records.create(job, f"key-{number}")
        for event in range(1, _EVENTS + 1):
            await records.change(job.id, lambda job, event=event: _advance(job, event))
    records.close()


def _advance(job: jobs_pb2.Job, event: int) -> None:
    job.progress.percent = 100 * event / _EVENTS
    while len(job.segments) < _SENTENCES * event // _EVENTS:
        segment = job.segments.add(text="This is a sentence of some length.", frames=60)
        segment.film.sha256 = segment.voice.sha256 = f"{len(job.segments):064x}"
    job.state = jobs_pb2.JOB_STATE_DONE if event == _EVENTS else jobs_pb2.JOB_STATE_RUNNING


def _cpu_s(server: Server) -> float:
    times = psutil.Process(server.process.pid).cpu_times()
    return times.user + times.system


async def _calls_s(servers: Sequence[Server]) -> list[list[float]]:
    """Processor seconds of lists of ten, and of questions whether it is ready, of each server: medians of blocks."""
    blocks: list[list[list[float]]] = [[[], []] for _ in servers]
    for _ in range(_BLOCKS):
        for server, (lists, questions) in zip(servers, blocks, strict=True):
            async with JobClient(server.address) as client, open_channel(server.address, JOB_SERVICE) as channel:
                lists.append(await _cpu_of(server, lambda client=client: client.list_page(FEW)))
                ask = runtime_pb2_grpc.RuntimeServiceStub(channel).GetStatus
                questions.append(await _cpu_of(server, lambda ask=ask: ask(_QUESTION, wait_for_ready=True)))
    return [[statistics.median(kind) for kind in kinds] for kinds in blocks]


async def _cpu_of(server: Server, call: Callable[[], Awaitable[object]]) -> float:
    await call()
    begun_s = _cpu_s(server)
    for _ in range(_CALLS):
        await call()
    return _cpu_s(server) - begun_s


def _started_s(servers: Sequence[Server]) -> list[float]:
    """Processor seconds until each is ready: medians of some starts in turn. They stay."""
    starts: list[list[float]] = [[] for _ in servers]
    for _ in range(_STARTS):
        for server, taken in zip(servers, starts, strict=True):
            server.stop()
            server.start()
            taken.append(_cpu_s(server))
    return list(map(statistics.median, starts))


def figures() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        servers = [stack.enter_context(_filled(Path(name) / str(count), count)) for count in (FEW, MANY)]
        starts, calls = _started_s(servers), asyncio.run(_calls_s(servers))
    few, many = ([start, *taken] for start, taken in zip(starts, calls, strict=True))
    conditions = f"{MANY} finished jobs of {_SENTENCES} sentences over {FEW}; processor seconds"
    kinds = {"start": "", "list": f", {_CALLS} calls", "ready": f", {_CALLS} calls"}
    return [
        Figure(f"thousand_{what}", after / before, "<= 1.15", f"{conditions}: {after:.2f} over {before:.2f}{of}")
        for (what, of), before, after in zip(kinds.items(), few, many, strict=True)
    ]


@contextmanager
def _filled(folder: Path, count: int) -> Iterator[Server]:
    """An orchestrator with so many finished jobs."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'jobs.db'}"
    asyncio.run(_fill(url, count))
    with run_server("orchestrator", folder, {"VIGENT_ORCHESTRATOR_DATABASE_URL": url}) as server:
        yield server
