"""Jobs as HTTP shows them: JSON shapes with their examples, and the way to and from `vigent.jobs.v1`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2
from vigent.media.v1 import media_pb2

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
OUTPUTS = ("film.mp4", "captions.srt", "captions.vtt", "captions.ass", "cover.jpg", "report.json")

_INT32_MAX = 2**31 - 1
_EXAMPLE: dict[str, JsonValue] = {
    "script": "大家好，今天我们聊聊 gRPC 模型服务。It streams all the way.",
    "footage": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "voice": "",
    "title": "One minute on serving",
    "music": None,
    "caption_style": "",
}


def _encodable(text: str) -> str:
    """JSON can write half of a surrogate pair, which is no character and cannot be sent on."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("The text should have whole characters only")
    return text


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("The time should be in the years 1 to 9999") from error


Text = Annotated[str, AfterValidator(_encodable)]
"""Text that can be encoded as UTF-8."""
SomeText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_encodable)]
"""Text that is more than white space."""
UtcTime = Annotated[datetime, AfterValidator(_in_utc)]
"""A time; without a zone it is in UTC."""


class Consent(BaseModel):
    """Who agreed to being cloned, in which words and when; kept with the voice and with each job."""

    model_config = ConfigDict(extra="forbid")

    person: SomeText = Field(description="Who agreed.", max_length=200)
    statement: SomeText = Field(description="Words of the agreement.", max_length=4_000)
    given_time: UtcTime | None = Field(None, description="When it was given; now, when left out.")


class JobRequest(BaseModel):
    """What the film is made of."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    script: Text = Field(
        description="What is said, at most 20,000 characters; Chinese and English may be mixed, Markdown is left out."
    )
    footage: Text = Field(description="Id of the presenter's video or picture, from /api/v1/footage.")
    language: Text = Field("", description="BCP 47 language of the script; empty lets the text decide.")
    voice: Text = Field(
        "",
        description="Id of a voice from /api/v1/voices; empty for the default voice. Where the engine follows "
        "instructions, how to speak may come behind a colon: `vivian: whispering`.",
    )
    speed: float = Field(1.0, description="Speed of the voice, 0.5 to 2.0.", gt=0)
    title: Text = Field("", description="Title over the first seconds, at most 60 characters; empty for none.")
    title_style: Text = Field("", description="Id of a title style from /api/v1/styles; empty for the default.")
    caption_style: Text = Field("", description="Id of a caption style from /api/v1/styles; empty for the default.")
    captions: Literal["drawn", "files_only"] = Field("drawn", description="Whether captions are in the picture.")
    music: Text | None = Field(None, description="Id of music from /api/v1/music; none when left out.")
    music_gain_db: float = Field(-18.0, description="Level of the music against its own, -60 to 12 decibels.")
    platform: Text = Field("", description="Where it will be shown, such as tiktok; empty suits every platform.")
    width: int = Field(1080, description="Film width in pixels, even, 128 to 2160.", ge=1, le=_INT32_MAX)
    height: int = Field(1920, description="Film height in pixels, even, 128 to 2160.", ge=1, le=_INT32_MAX)
    quality: Literal["draft", "standard", "best"] = Field("standard", description="How carefully lips are synced.")
    seed: int = Field(0, description="Makes the film repeatable.", ge=0, lt=2**64)
    ai_label: bool = Field(True, description="Whether the film says that it was made by AI; the choice is recorded.")
    loudness: Literal["online", "podcast", "broadcast", "off"] = Field(
        "online", description="-14, -16 or -23 LUFS, or as the voice comes."
    )
    consent: Consent | None = Field(default=None, description="Consent of the person in the footage.")


class Progress(BaseModel):
    """How far a job is."""

    stage: str = Field(description='What is being done: "queued", "prepare", "segments", "mix", "done".')
    percent: float = Field(description="Share of the whole work that is done, 0 to 100.")
    eta_s: float | None = Field(description="Estimated seconds to the end; null while not known.")
    segments_done: int = Field(description="Sentences finished.")
    segments_total: int = Field(description="Sentences in all; 0 while not known.")
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

    text: str = Field(description="Its text as in the script, without marks of Markdown.")
    char_start: int = Field(description="Offset of its first character in the script.")
    first_film_frame: int | None = Field(description="First film frame (25 a second); null while not known.")
    frames: int | None = Field(description="Film frames; null while not known.")
    spoken: bool = Field(description="Whether its voice is finished.")
    filmed: bool = Field(description="Whether its film is finished.")


class JobFailure(BaseModel):
    """Why a job failed, in words that help."""

    reason: str = Field(description="Machine-readable name, such as NO_FACE.")
    problem: str = Field(description="What is wrong.")
    field: str = Field(description="Input at fault; empty when none is.")
    remedy: str = Field(description="What to do.")


class JobView(BaseModel):
    """A job as it is now."""

    id: str = Field(description="Made by the server.")
    state: JobState = Field(description="Failed and cancelled jobs can be retried.")
    progress: Progress = Field(description="How far it is.")
    request: dict[str, Any] = Field(description="What was asked, with defaults filled.")
    outputs: dict[str, Output] = Field(description="Finished files by name; preview.mp4 is there before them.")
    segments: list[Segment] = Field(description="Sentences in order; empty while not known.")
    error: JobFailure | None = Field(description="Why it failed; null when it did not.")
    create_time: datetime = Field(description="When it was submitted.")
    start_time: datetime | None = Field(description="When work began; null before.")
    end_time: datetime | None = Field(description="When it ended; null before.")


class JobPage(BaseModel):
    """A page of jobs, newest first."""

    jobs: list[JobView] = Field(description="At most as many as were asked for.")
    next_page_token: str = Field(description="Give it as page_token for the next page; empty on the last.")


class JobEventView(BaseModel):
    """Something that happened to a job; the data of each event in the stream."""

    id: int = Field(description="Rises by one with each event of the job; starts at 1.")
    time: datetime = Field(description="When it happened.")
    state: JobState = Field(description="State after it.")
    progress: Progress = Field(description="Progress after it.")


def spec_of(
    request: JobRequest, footage: media_pb2.MediaRef, music: media_pb2.MediaRef | None = None
) -> jobs_pb2.JobSpec:
    """The spec that asks for this film; a voice from the library is filled in by the caller."""
    spec = jobs_pb2.JobSpec(
        script=request.script,
        language=request.language,
        voice=request.voice,
        speed=request.speed,
        footage=footage,
        title=request.title,
        music=music,
        music_gain_db=request.music_gain_db,
        caption_style=request.caption_style,
        title_style=request.title_style,
        width=request.width,
        height=request.height,
        quality=lipsync_pb2.Quality.Value(f"QUALITY_{request.quality.upper()}"),
        seed=request.seed,
        ai_label=jobs_pb2.AI_LABEL_ON if request.ai_label else jobs_pb2.AI_LABEL_OFF,
        loudness=jobs_pb2.Loudness.Value(f"LOUDNESS_{request.loudness.upper()}"),
        captions=jobs_pb2.Captions.Value(f"CAPTIONS_{request.captions.upper()}"),
        platform=request.platform,
    )
    if request.consent is not None:
        spec.face_consent.CopyFrom(consent_message(request.consent))
    return spec


def consent_message(consent: Consent) -> jobs_pb2.Consent:
    """The record as jobs keep it; the orchestrator fills in the time where there is none."""
    message = jobs_pb2.Consent(person=consent.person, statement=consent.statement)
    if consent.given_time is not None:
        message.given_time.FromDatetime(consent.given_time)
    return message


def job_view(job: jobs_pb2.Job) -> JobView:
    """The job for people and programs."""
    return JobView(
        id=job.id,
        state=state_name(job.state),
        progress=progress_view(job.progress),
        request=_request_view(job.spec),
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


def _request_view(spec: jobs_pb2.JobSpec) -> dict[str, Any]:
    return {
        "script": spec.script,
        "footage": spec.footage.sha256,
        "language": spec.language,
        "voice": spec.voice or spec.reference_audio.sha256,
        "speed": round(spec.speed, 3),
        "title": spec.title,
        "title_style": spec.title_style,
        "caption_style": spec.caption_style,
        "captions": _plain(jobs_pb2.Captions.Name(spec.captions), "CAPTIONS_"),
        "platform": spec.platform,
        "music": spec.music.sha256 or None,
        "music_gain_db": round(spec.music_gain_db, 2),
        "width": spec.width,
        "height": spec.height,
        "quality": _plain(lipsync_pb2.Quality.Name(spec.quality), "QUALITY_"),
        "seed": spec.seed,
        "ai_label": spec.ai_label != jobs_pb2.AI_LABEL_OFF,
        "loudness": _plain(jobs_pb2.Loudness.Name(spec.loudness), "LOUDNESS_"),
        "consent": _consent_view(spec.face_consent) if spec.HasField("face_consent") else None,
        "voice_consent": _consent_view(spec.consent) if spec.HasField("consent") else None,
    }


def _consent_view(consent: jobs_pb2.Consent) -> Consent:
    return Consent(person=consent.person, statement=consent.statement, given_time=consent.given_time.ToDatetime(UTC))


def _output_view(job_id: str, name: str, ref: media_pb2.MediaRef) -> Output:
    path = "preview" if name == "preview.mp4" else name
    url = f"/api/v1/jobs/{quote(job_id, safe='')}/{path}"
    return Output(url=url, size_bytes=ref.size_bytes, mime_type=ref.mime_type, sha256=ref.sha256)


def _segment_view(segment: jobs_pb2.Segment) -> Segment:
    return Segment(
        text=segment.text,
        char_start=segment.char_start,
        first_film_frame=None if segment.first_film_frame < 0 else segment.first_film_frame,
        frames=segment.frames or None,
        spoken=segment.HasField("voice"),
        filmed=segment.HasField("film"),
    )


def _failure_view(error: jobs_pb2.JobError) -> JobFailure:
    field = error.field.removeprefix("spec.")
    return JobFailure(reason=error.reason, problem=error.message, field=field, remedy=error.remedy)
