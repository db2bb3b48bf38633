"""`thousand_start`, `thousand_list`, `thousand_ready`: an orchestrator with a thousand finished jobs over one with ten.

In seconds of its processor, since all of them are too short for a clock on the wall. Both are measured in turn, and a
ratio is the median of those of neighbours in time: a machine that becomes slower meanwhile does so for both.
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
_CALLS, _ROUNDS = 500, 8  # enough calls for a clock of 10 ms
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


def _turns(servers: Sequence[Server]) -> list[list[int]]:
    """Whose turn it is, round by round: none is always the first."""
    return [sorted(range(len(servers)), reverse=number % 2 == 1) for number in range(_ROUNDS)]


async def _calls_s(servers: Sequence[Server]) -> tuple[list[list[float]], list[list[float]]]:
    """Processor seconds of lists of ten, and of questions whether it is ready: in each round those of each server."""
    lists, questions = [], []
    for turns in _turns(servers):
        round_s = {turn: await _call_s(servers[turn]) for turn in turns}
        lists.append([round_s[turn][0] for turn in sorted(turns)])
        questions.append([round_s[turn][1] for turn in sorted(turns)])
    return lists, questions


async def _call_s(server: Server) -> tuple[float, float]:
    async with JobClient(server.address) as client, open_channel(server.address, JOB_SERVICE) as channel:
        ask = runtime_pb2_grpc.RuntimeServiceStub(channel).GetStatus
        list_s = await _cpu_of(server, lambda: client.list_page(FEW))
        return list_s, await _cpu_of(server, lambda: ask(_QUESTION, wait_for_ready=True))


async def _cpu_of(server: Server, call: Callable[[], Awaitable[object]]) -> float:
    await call()
    begun_s = _cpu_s(server)
    for _ in range(_CALLS):
        await call()
    return _cpu_s(server) - begun_s


def _starts_s(servers: Sequence[Server]) -> list[list[float]]:
    """Processor seconds until each is ready, in each round. They stay."""
    rounds = []
    for turns in _turns(servers):
        round_s = {turn: _start_s(servers[turn]) for turn in turns}
        rounds.append([round_s[turn] for turn in sorted(turns)])
    return rounds


def _start_s(server: Server) -> float:
    server.stop()
    server.start()
    return _cpu_s(server)


def figures() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        servers = [stack.enter_context(_filled(Path(name) / str(count), count)) for count in (FEW, MANY)]
        starts, (lists, questions) = _starts_s(servers), asyncio.run(_calls_s(servers))
    of = f" for {_CALLS} calls"
    return [_figure("start", "", starts), _figure("list", of, lists), _figure("ready", of, questions)]


def _figure(what: str, of: str, rounds: Sequence[Sequence[float]]) -> Figure:
    """Of what few and many took in each round."""
    few_s, many_s = (statistics.median(each) for each in zip(*rounds, strict=True))
    ratio = statistics.median(many / few for few, many in rounds)
    conditions = f"{MANY} finished jobs of {_SENTENCES} sentences over {FEW}, {_ROUNDS} rounds; processor seconds"
    return Figure(f"thousand_{what}", ratio, "<= 1.15", f"{conditions}: {many_s:.2f} over {few_s:.2f}{of}")


@contextmanager
def _filled(folder: Path, count: int) -> Iterator[Server]:
    """An orchestrator with so many finished jobs."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'jobs.db'}"
    asyncio.run(_fill(url, count))
    with run_server("orchestrator", folder, {"VIGENT_ORCHESTRATOR_DATABASE_URL": url}) as server:
        yield server
