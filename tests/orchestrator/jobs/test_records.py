"""Job records: one transaction a change, one event a change, one job a key."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.jobs.records import JobRecords
from services.base.errors import AlreadyExistsError, ExhaustedError, FailedPreconditionError, NotFoundError
from tests.support.postgres import Postgres, run_postgres
from vigent.jobs.v1 import jobs_pb2


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with run_postgres() as postgres:
        yield postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'jobs.db'}"
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def records(url: str) -> Iterator[JobRecords]:
    with closing(JobRecords(url)) as records:
        yield records


def job(job_id: str, script: str = "Hello.") -> jobs_pb2.Job:
    return jobs_pb2.Job(id=job_id, spec=jobs_pb2.JobSpec(script=script), state=jobs_pb2.JOB_STATE_QUEUED)


def run(job: jobs_pb2.Job) -> None:
    job.state = jobs_pb2.JOB_STATE_RUNNING


def advance(job: jobs_pb2.Job) -> None:
    job.progress.percent += 1


def queue(job: jobs_pb2.Job) -> None:
    job.state = jobs_pb2.JOB_STATE_QUEUED


def end(job: jobs_pb2.Job) -> None:
    job.state = jobs_pb2.JOB_STATE_FAILED


async def test_the_same_key_gives_the_same_job(records: JobRecords) -> None:
    first, existed_first = await records.create(job("a"), "key")
    second, existed_second = await records.create(job("b"), "key")
    assert (first.id, existed_first, second.id, existed_second) == ("a", False, "a", True)


async def test_a_key_is_not_given_to_another_spec(records: JobRecords) -> None:
    await records.create(job("a"), "key")
    with pytest.raises(AlreadyExistsError) as caught:
        await records.create(job("b", "Something else."), "key")
    assert caught.value.field == "idempotency_key"


@pytest.mark.fault("the same job submitted twice", promised="One job, one film.")
async def test_submissions_at_the_same_moment_make_one_job(records: JobRecords) -> None:
    made = await asyncio.gather(*(records.create(job(f"job{n}"), "key") for n in range(8)))
    assert len({each.id for each, _ in made}) == 1
    assert [existed for _, existed in made].count(False) == 1


async def test_every_change_is_an_event_with_the_next_id(records: JobRecords) -> None:
    await records.create(job("a"), "")
    await asyncio.gather(*(records.change("a", advance) for _ in range(5)))
    events = await records.events_after("a", 0)
    assert [event.id for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event.id for event in await records.events_after("a", 4)] == [5, 6]


async def test_what_changes_nothing_is_no_event(records: JobRecords) -> None:
    await records.create(job("a"), "")
    for _ in range(2):
        await records.change("a", run)
    assert [event.id for event in await records.events_after("a", 0)] == [1, 2]


async def test_a_change_wakes_whoever_asked_before(records: JobRecords) -> None:
    await records.create(job("a"), "")
    change = records.next_change("a")
    assert records.next_change("a") is change
    await records.change("a", run)
    await asyncio.wait_for(change.wait(), 5)


async def test_pages_go_from_new_to_old(records: JobRecords) -> None:
    for number in range(5):
        await records.create(job(f"job{number}"), "")
    first, position = await records.list_page(3, None, 0)
    second, end = await records.list_page(3, position, 0)
    assert [each.id for each in first + second] == ["job4", "job3", "job2", "job1", "job0"]
    assert end is None


async def test_records_outlive_the_process(url: str) -> None:
    with closing(JobRecords(url)) as before:
        await before.create(job("a"), "key")
    with closing(JobRecords(url)) as after:
        assert (await after.get("a")).spec.script == "Hello."


async def test_an_unknown_job_is_named(records: JobRecords) -> None:
    with pytest.raises(NotFoundError, match="'nowhere'"):
        await records.get("nowhere")


async def test_states_are_counted(records: JobRecords) -> None:
    await records.create(job("a"), "")
    await records.create(job("b"), "")
    await records.change("b", run)
    assert records.count_by_state() == {jobs_pb2.JOB_STATE_QUEUED: 1, jobs_pb2.JOB_STATE_RUNNING: 1}


async def test_what_a_superseded_attempt_does_is_void(records: JobRecords) -> None:
    """A cancelled attempt that still winds up must not touch the job that a retry has started again."""
    await records.create(job("a"), "")
    first, second = records.attempt_at("a", 0), records.attempt_at("a", 1)
    assert await first.change(run)
    _, attempt = await records.change("a", queue, new_attempt=True)
    assert attempt == 1
    events = await records.events_after("a", 0)
    assert await first.change(run) is None
    assert (await records.get("a")).state == jobs_pb2.JOB_STATE_QUEUED
    assert await records.events_after("a", 0) == events
    assert await second.change(run)


async def test_a_job_that_goes_on_is_not_deleted(records: JobRecords) -> None:
    await records.create(job("a"), "")
    with pytest.raises(FailedPreconditionError):
        await records.delete("a")
    await records.change("a", end)
    await records.delete("a")
    with pytest.raises(NotFoundError):
        await records.delete("a")


async def test_a_full_queue_takes_no_job_but_knows_those_it_took(records: JobRecords) -> None:
    await records.create(job("a"), "key", 13)
    made = await asyncio.gather(*(records.create(job(f"job{n}"), "", 13) for n in range(16)), return_exceptions=True)
    assert [type(each) for each in made].count(ExhaustedError) == 4
    assert (await records.create(job("b"), "key", 13))[1]


async def test_a_consent_without_a_time_is_given_with_the_job_and_repeated_with_its_key(records: JobRecords) -> None:
    def agreed(job_id: str, create_s: int, given_s: int | None = None) -> jobs_pb2.Job:
        made = job(job_id)
        made.create_time.seconds = create_s
        made.spec.face_consent.person = "Anna"
        if given_s is not None:
            made.spec.face_consent.given_time.seconds = given_s
        return made

    first, _ = await records.create(agreed("a", 100), "key")
    assert first.spec.face_consent.given_time.seconds == 100
    again, existed = await records.create(agreed("b", 200), "key")
    assert (again.id, existed) == ("a", True)
    with pytest.raises(AlreadyExistsError):
        await records.create(agreed("c", 300, given_s=50), "key")
    told, _ = await records.create(agreed("d", 300, given_s=50), "")
    assert told.spec.face_consent.given_time.seconds == 50
