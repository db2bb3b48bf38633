"""Owners whose jobs wait take turns, by their weight; and none has more unfinished jobs than it may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.jobs.durable import DurableEngine
from orchestrator.jobs.records import JobRecords
from orchestrator.jobs.turns import Owner, owner_of
from services.base.errors import ExhaustedError, InvalidInputError
from tests.support.postgres import Postgres, run_postgres
from vigent.jobs.v1 import jobs_pb2

TIMEOUT_S = 60.0
ANNA, BEN = Owner("anna"), Owner("ben")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobRecords]:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    with closing(JobRecords(url)) as records:
        yield records


async def submit(records: JobRecords, owner: Owner, *names: str) -> None:
    for name in names:
        job = jobs_pb2.Job(id=name, spec=jobs_pb2.JobSpec(script=name), state=jobs_pb2.JOB_STATE_QUEUED)
        await records.create(job, "", owner=owner)


async def in_order(records: JobRecords) -> list[str]:
    """Names of the jobs that wait, as the durable queue takes them."""
    waiting = [job.id for job in await records.list_all(jobs_pb2.JOB_STATE_QUEUED)]  # oldest first
    turns = {name: await records.turn(name) for name in waiting}
    return sorted(waiting, key=turns.__getitem__)


def becomes(state: jobs_pb2.JobState.ValueType) -> Callable[[jobs_pb2.Job], None]:
    def edit(job: jobs_pb2.Job) -> None:
        job.state = state

    return edit


async def test_who_comes_later_does_not_wait_for_all_of_the_others(records: JobRecords) -> None:
    await submit(records, ANNA, "a1", "a2", "a3", "a4")
    await submit(records, BEN, "b1", "b2")
    assert await in_order(records) == ["a1", "b1", "a2", "b2", "a3", "a4"]


async def test_who_always_has_one_more_holds_nobody_up(records: JobRecords) -> None:
    await submit(records, ANNA, "a1", "a2", "a3")
    await records.change("a1", becomes(jobs_pb2.JOB_STATE_DONE))
    await records.change("a2", becomes(jobs_pb2.JOB_STATE_RUNNING))
    await submit(records, BEN, "b1")
    assert await in_order(records) == ["a3", "b1"]
    await records.change("a3", becomes(jobs_pb2.JOB_STATE_DONE))
    await records.change("b1", becomes(jobs_pb2.JOB_STATE_RUNNING))
    await submit(records, ANNA, "a4")
    await submit(records, BEN, "b2")
    assert await in_order(records) == ["a4", "b2"]


async def test_jobs_that_never_began_cost_others_nothing(records: JobRecords) -> None:
    await submit(records, ANNA, "a1", "a2", "a3")
    await records.change("a3", becomes(jobs_pb2.JOB_STATE_CANCELLED))
    await submit(records, BEN, "b1")
    assert await in_order(records) == ["a1", "b1", "a2"]


async def test_who_weighs_more_comes_more_often(records: JobRecords) -> None:
    await submit(records, ANNA, "a1", "a2")
    await submit(records, Owner("carla", weight=2), "c1", "c2", "c3", "c4")
    assert await in_order(records) == ["c1", "a1", "c2", "c3", "a2", "c4"]


async def test_an_owner_has_no_more_unfinished_jobs_than_it_may(records: JobRecords) -> None:
    few = Owner("dora", most_unfinished=2)
    await submit(records, few, "d1", "d2")
    with pytest.raises(ExhaustedError) as refused:
        await submit(records, few, "d3")
    assert (refused.value.reason, refused.value.retry_after_s) == ("JOBS_OF_KEY", 10.0)
    await submit(records, ANNA, "a1")
    await records.change("d1", becomes(jobs_pb2.JOB_STATE_FAILED))
    await submit(records, few, "d3")


async def test_a_job_without_a_turn_is_the_first(records: JobRecords) -> None:
    """One that was taken before there were turns."""
    assert await records.turn("none") == 1


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (jobs_pb2.SubmitJobRequest(owner="o" * 81), "owner"),
        (jobs_pb2.SubmitJobRequest(weight=101), "weight"),
        (jobs_pb2.SubmitJobRequest(weight=-1), "weight"),
        (jobs_pb2.SubmitJobRequest(most_unfinished=-1), "most_unfinished"),
    ],
)
def test_what_is_out_of_bounds_is_named(request_: jobs_pb2.SubmitJobRequest, field: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        owner_of(request_)
    assert error.value.field == field


async def test_the_durable_queue_takes_the_lowest_turn(tmp_path: Path) -> None:
    turns = {"first": 1, "a2": 200, "a3": 300, "b1": 100}
    began, free = list[str](), asyncio.Event()
    running, done = asyncio.Event(), asyncio.Event()

    async def make(job_id: str, _attempt: int) -> None:
        began.append(job_id)
        running.set()
        await free.wait()
        if len(began) == len(turns):
            done.set()

    async def turn_of(job_id: str) -> int:
        return turns[job_id]

    engine = DurableEngine(f"sqlite:///{tmp_path / 'durable.db'}", "orchestrator", 1)
    await engine.start(make, turn_of)
    try:
        engine.enqueue("first", 0)
        await asyncio.wait_for(running.wait(), TIMEOUT_S)
        for name in ("a2", "a3", "b1"):
            engine.enqueue(name, 0)
        await asyncio.wait_for(engine.all_queued(), TIMEOUT_S)
        free.set()
        await asyncio.wait_for(done.wait(), TIMEOUT_S)
    finally:
        await asyncio.to_thread(engine.stop)
    assert began == ["first", "b1", "a2", "a3"]
