"""What a job looks like to people and programs, from `vigent.jobs.v1`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

from gateway.films.request import FilmRequest
from gateway.films.spec import request_field, request_of
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
OUTPUTS = ("film.mp4", "captions.srt", "captions.vtt", "captions.ass", "words.json", "cover.jpg", "report.json")


class Progress(BaseModel):
    """Progress of a job."""

    stage: str = Field(description='Current stage: "queued", "prepare", "segments", "mix", "done".')
    percent: float = Field(description="Percent of the work that is done, 0 to 100.")
    stage_percent: float = Field(description="Percent of the current stage that is done, 0 to 100.")
    eta_s: float | None = Field(description="Estimated seconds to the end; null while not known.")
    segments_done: int = Field(description="Sentences finished.")
    segments_total: int = Field(description="Number of sentences; 0 while not known.")
    playable_s: float = Field(description="Seconds of film that /preview can play.")
    message: str = Field(description="One line for people.")


class Output(BaseModel):
    """A finished file of a job."""

    url: str = Field(description="Path on this gateway.")
    size_bytes: int = Field(description="Length in bytes.")
    mime_type: str = Field(description="IANA media type.")
    sha256: str = Field(description="Hash of the content, in lower-case hexadecimal digits.")


class Segment(BaseModel):
    """One sentence's stretch of film."""

    text: str = Field(description="Its text as in the script, without Markdown.")
    char_start: int = Field(description="Offset of its first character in the script.")
    first_film_frame: int | None = Field(description="First film frame (25 a second); null while not known.")
    first_footage_frame: int | None = Field(
        description="Where in the footage it begins, counted on through its turns; null while not known."
    )
    frames: int | None = Field(description="Film frames; null while not known.")
    spoken: bool = Field(description="Whether its voice is finished.")
    filmed: bool = Field(description="Whether its film is finished.")


class JobFailure(BaseModel):
    """Why a job failed, and what to do."""

    reason: str = Field(description="Machine-readable name, such as NO_FACE.")
    problem: str = Field(description="What is wrong.")
    field: str = Field(description="Input at fault; empty when none is.")
    remedy: str = Field(description="What to do.")


class JobView(BaseModel):
    """A job as it is now."""

    id: str = Field(description="Assigned by the server.")
    state: JobState = Field(description="Failed and cancelled jobs can be retried.")
    progress: Progress = Field(description="Its progress.")
    request: FilmRequest = Field(description="The request with defaults filled in; sent again, it makes the same film.")
    outputs: dict[str, Output] = Field(description="Finished files by name; preview.mp4 comes before the others.")
    segments: list[Segment] = Field(description="Sentences in order; empty while not known.")
    error: JobFailure | None = Field(description="Why it failed; null when it did not.")
    create_time: datetime = Field(description="When it was submitted.")
    start_time: datetime | None = Field(description="When work began; null before.")
    end_time: datetime | None = Field(description="When it ended; null before.")


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobView] = Field(description="At most `page_size` jobs.")
    next_page_token: str = Field(description="Send it as `page_token` to get the next page; empty on the last.")


class JobEventView(BaseModel):
    """Something that happened to a job; the data of each event in the stream."""

    id: int = Field(description="Rises by one with each event of the job; starts at 1.")
    time: datetime = Field(description="When it happened.")
    state: JobState = Field(description="State after it.")
    progress: Progress = Field(description="Progress after it.")


def job_view(job: jobs_pb2.Job) -> JobView:
    """The job for people and programs."""
    return JobView(
        id=job.id,
        state=state_name(job.state),
        progress=progress_view(job.progress),
        request=request_of(job.spec),
        outputs={name: _output_view(job.id, name, ref) for name, ref in sorted(job.outputs.items())},
        segments=[_segment_view(segment) for segment in job.segments],
        error=_failure_view(job.error) if job.HasField("error") else None,
        create_time=job.create_time.ToDatetime(UTC),
        start_time=job.start_time.ToDatetime(UTC) if job.HasField("start_time") else None,
        end_time=job.end_time.ToDatetime(UTC) if job.HasField("end_time") else None,
    )


def event_view(event: jobs_pb2.JobEvent) -> JobEventView:
    """An event for people and programs."""
    return JobEventView(
        id=event.id,
        time=event.time.ToDatetime(UTC),
        state=state_name(event.state),
        progress=progress_view(event.progress),
    )


def progress_view(progress: jobs_pb2.JobProgress) -> Progress:
    """Progress for people and programs."""
    return Progress(
        stage=progress.stage,
        percent=round(progress.percent, 2),
        stage_percent=round(progress.stage_percent, 2),
        eta_s=None if progress.eta_s < 0 else round(progress.eta_s, 1),
        segments_done=progress.segments_done,
        segments_total=progress.segments_total,
        playable_s=round(progress.playable_s, 3),
        message=progress.message,
    )


def state_name(state: jobs_pb2.JobState.ValueType) -> JobState:
    """The state's name in HTTP, such as "running"."""
    return _plain(jobs_pb2.JobState.Name(state), "JOB_STATE_")  # type: ignore[return-value]


def state_value(name: JobState) -> jobs_pb2.JobState.ValueType:
    """The state that `state_name` names."""
    return jobs_pb2.JobState.Value(f"JOB_STATE_{name.upper()}")


def _plain(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()


def _output_view(job_id: str, name: str, ref: media_pb2.MediaRef) -> Output:
    path = "preview" if name == "preview.mp4" else name
    url = f"/api/v1/jobs/{quote(job_id, safe='')}/{path}"
    return Output(url=url, size_bytes=ref.size_bytes, mime_type=ref.mime_type, sha256=ref.sha256)


def _segment_view(segment: jobs_pb2.Segment) -> Segment:
    return Segment(
        text=segment.text,
        char_start=segment.char_start,
        first_film_frame=None if segment.first_film_frame < 0 else segment.first_film_frame,
        first_footage_frame=segment.first_footage_frame if segment.HasField("first_footage_frame") else None,
        frames=segment.frames or None,
        spoken=segment.HasField("voice"),
        filmed=segment.HasField("film"),
    )


def _failure_view(error: jobs_pb2.JobError) -> JobFailure:
    field = request_field(error.field)
    return JobFailure(reason=error.reason, problem=error.message, field=field, remedy=error.remedy)
