"""Percent, time to the end and what is said of a job while it is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.jobs.progress import STAGE_SPANS_PERCENT, JobProgress
from orchestrator.jobs.records import JobRecords
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

BEGIN = jobs_pb2.JobProgress()


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[JobRecords]:
    with closing(JobRecords(f"sqlite:///{tmp_path / 'jobs.db'}")) as records:
        await records.create(jobs_pb2.Job(id="a", state=jobs_pb2.JOB_STATE_QUEUED), "")
        await records.change("a", run)
        yield records


def run(job: jobs_pb2.Job) -> None:
    job.state = jobs_pb2.JOB_STATE_RUNNING


def segment(text: str, *, film: bool = False) -> jobs_pb2.Segment:
    return jobs_pb2.Segment(text=text, film=media_pb2.MediaRef(sha256="0" * 64) if film else None)


async def test_sentences_count_by_their_length_and_frames_by_their_share(records: JobRecords) -> None:
    ended: list[str] = []
    progress = JobProgress(records.attempt_at("a", 0), BEGIN, lambda stage, _seconds: ended.append(stage))

    async def written() -> jobs_pb2.JobProgress:
        await progress.write()
        return (await records.get("a")).progress

    progress.share(0.5)
    assert await written() == jobs_pb2.JobProgress(
        stage="prepare", percent=2.5, stage_percent=50, eta_s=-1, message="Looking at the footage."
    )
    progress.plan([segment("x" * 30), segment("x" * 10)])
    progress.stage("segments", "Speaking 2 sentences.")
    first, last = STAGE_SPANS_PERCENT["segments"]
    begun = await written()
    assert (begun.stage, begun.segments_done, begun.segments_total) == ("segments", 0, 2)
    assert (begun.percent, begun.eta_s) == (first, -1)

    progress.frames(0, 50, 100)  # half of three quarters
    half = await written()
    assert half.percent == pytest.approx(first + (last - first) * 0.375)
    assert half.eta_s >= 0
    progress.finished(1, segment("x" * 10, film=True))
    done = await written()
    assert done.percent == pytest.approx(first + (last - first) * 0.625)
    assert (done.segments_done, done.message) == (1, "1 of 2 sentences are finished.")
    progress.frames(1, 0, 100)  # made again after a fault: what people see never goes back
    assert (await written()).percent == done.percent

    progress.stage("mix", "Mixing.")
    assert (await written()).percent == STAGE_SPANS_PERCENT["mix"][0]
    assert ended == ["prepare", "segments"]


async def test_what_goes_on_after_a_crash_or_a_retry_never_goes_back(records: JobRecords) -> None:
    before = jobs_pb2.JobProgress(stage="segments", percent=60, playable_s=4, segments_done=3, segments_total=5)
    progress = JobProgress(records.attempt_at("a", 0), before, lambda _stage, _seconds: None)
    progress.share(0.5)
    progress.playable(25)
    await progress.write()
    now = (await records.get("a")).progress
    assert (now.stage, now.percent, now.playable_s) == ("prepare", 60, 4)
    progress.stage("mix", "Mixing.")
    progress.playable(250)
    await progress.write()
    now = (await records.get("a")).progress
    assert (now.stage, now.percent, now.playable_s) == ("mix", 92, 10)


async def test_what_can_be_watched_is_told_though_nothing_else_happens(records: JobRecords) -> None:
    progress = JobProgress(records.attempt_at("a", 0), BEGIN, lambda _stage, _seconds: None)
    writer = asyncio.create_task(progress.keep_writing())
    change = records.next_change("a")
    progress.playable(25)
    await asyncio.wait_for(change.wait(), 20)
    assert (await records.get("a")).progress.playable_s == 1
    writer.cancel()


async def test_what_was_found_says_nothing_of_how_long_the_rest_takes(records: JobRecords) -> None:
    times_s = iter(
        (0.0, 0.0, 1.0, 10.0)
    )  # of the construction, the stage before, the stage, and half of the last sentence
    progress = JobProgress(records.attempt_at("a", 0), BEGIN, lambda _stage, _seconds: None, lambda: next(times_s))
    progress.plan([segment("x" * 80), segment("x" * 20)])
    progress.stage("segments", "Speaking 2 sentences.")
    progress.finished(0, segment("x" * 80, film=True))
    progress.frames(1, 50, 100)
    await progress.write()
    now = (await records.get("a")).progress
    assert now.percent > 80
    assert now.eta_s == pytest.approx(9.0)


async def test_where_everything_was_found_there_is_no_time_to_tell(records: JobRecords) -> None:
    progress = JobProgress(records.attempt_at("a", 0), BEGIN, lambda _stage, _seconds: None)
    progress.plan([segment("x" * 80), segment("x" * 20)])
    progress.stage("segments", "Speaking 2 sentences.")
    for index, length in enumerate((80, 20)):
        progress.finished(index, segment("x" * length, film=True))
    await progress.write()
    now = (await records.get("a")).progress
    assert (now.segments_done, now.eta_s) == (2, -1)


async def test_an_ended_job_keeps_its_last_word(records: JobRecords) -> None:
    progress = JobProgress(records.attempt_at("a", 0), BEGIN, lambda _stage, _seconds: None)
    await records.change("a", cancel)
    progress.share(0.9)
    await progress.write()
    assert (await records.get("a")).progress.message == "Cancelled."


def cancel(job: jobs_pb2.Job) -> None:
    job.state = jobs_pb2.JOB_STATE_CANCELLED
    job.progress.message = "Cancelled."


async def test_a_wait_is_told_until_there_is_progress_again(records: JobRecords) -> None:
    progress = JobProgress(records.attempt_at("a", 0), BEGIN, lambda _stage, _seconds: None)
    progress.plan([segment("x" * 80)])
    progress.stage("segments", "Speaking 1 sentence.")
    progress.waits("a voice server")
    await progress.write()
    assert (await records.get("a")).progress.message == "Waiting for a voice server."
    progress.frames(0, 1, 100)
    await progress.write()
    assert (await records.get("a")).progress.message == "Speaking 1 sentence."
