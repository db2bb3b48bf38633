"""A film made anew with one sentence changed: its text, its voice or its take. The others keep voice and pictures."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import Text
from gateway.films.forecast import SentenceForecast, forecast_view
from gateway.films.request import FilmRequest, SegmentChoice
from gateway.films.view import JobView
from services.base.errors import InvalidInputError
from services.text.sentences import MAX_SCRIPT_CHARACTERS, Sentence, split_script
from vigent.jobs.v1 import jobs_pb2

OPENING_FRAMES = 100
"""Title and large label lie over these: a segment that begins among them is drawn anew when it moves."""


class RevisionRequest(BaseModel):
    """What is changed of a sentence; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    segment: int = Field(description="Place of the sentence in the script, from 0.", ge=0, le=2**31 - 1)
    text: Text | None = Field(
        None,
        description="The sentence written anew, with its readings and pauses; empty leaves it out.",
        max_length=MAX_SCRIPT_CHARACTERS,
    )
    voice: Text | None = Field(None, description="Voice of the engine that says it; empty for that of the film.")
    take: int | None = Field(None, description="Which take of it.", ge=0, le=99)


class Revision(BaseModel):
    """A film with a sentence changed, not ordered yet, and what would have to be made."""

    request: FilmRequest = Field(description="Sent to /api/v1/jobs, it makes the changed film.")
    sentences: list[SentenceForecast] = Field(description="Its sentences, in order.")
    segment: int = Field(description="Place of the first changed sentence.")
    to_speak: int = Field(description="How many sentences would be spoken; the others are kept.")
    to_film: int = Field(
        description="Of how many the pictures would be made: those of the changed ones, and of those after them that "
        "begin in the first four seconds."
    )
    takes: list[int] = Field(
        description="Takes of the changed sentence in its voice that are kept, of the first twenty; of those that "
        "sound alike, the first."
    )


@dataclass(frozen=True)
class Changed:
    """A request with a sentence changed: segments [first, end) are new, of `kept` after them the pictures may stay."""

    request: FilmRequest
    first: int
    end: int
    to_film: int


def changed(job: JobView, change: RevisionRequest) -> Changed:
    """The request that makes the film of `job` with a sentence changed.

    The footage of what follows begins where it did, so that its pictures are found again. Raises InvalidInputError for
    a segment that the film does not have, and what `split_script` raises for the field "spec.script".
    """
    old, script = split_script(job.request.script), job.request.script
    if change.segment >= len(old):
        problem = f"The film has no segment {change.segment}."
        raise InvalidInputError(problem, f"Give 0 to {len(old) - 1}.", "segment")
    if change.text is not None:
        script = _rewritten(script, old, change.segment, change.text)
    before = _choice_of(job, change.segment)
    chosen = before.model_copy(update=change.model_dump(include={"voice", "take"}, exclude_none=True))
    if (script, chosen) == (job.request.script, before):
        return Changed(job.request, change.segment, change.segment + 1, 0)
    new = split_script(script)
    tail = min(_alike_from_the_end(old, new), len(old) - change.segment - 1)
    end = len(new) - tail
    choices = _choices(job, chosen, end, len(new) - len(old), tail)
    request = job.request.model_copy(update={"script": script, "segment_choices": choices})
    first = min(change.segment, max(0, end - 1))
    return Changed(request, first, end, end - first + _anew(job, tail))


def revision_view(made: Changed, forecast: jobs_pb2.ForecastJobResponse) -> Revision:
    """The revision for people and programs."""
    told = forecast_view(forecast)
    return Revision(
        request=made.request,
        sentences=told.sentences,
        segment=made.first,
        to_speak=told.to_speak,
        to_film=made.to_film,
        takes=list(forecast.takes),
    )


def _rewritten(script: str, sentences: list[Sentence], segment: int, text: str) -> str:
    """The script with one sentence in other words; the white space after it stays with them.

    A full stop of Latin script ends no sentence without a space after it, which Chinese before may not have needed.
    """
    start = sentences[segment].char_start
    end = sentences[segment + 1].char_start if segment + 1 < len(sentences) else len(script)
    own, written = script[start:end], text.strip()
    space = own[len(own.rstrip()) :] or (" " if written.endswith(".") and end < len(script) else "")
    return script[:start] + written + (space if written else "") + script[end:]


def _alike_from_the_end(old: list[Sentence], new: list[Sentence]) -> int:
    alike = 0
    for one, other in zip(reversed(old), reversed(new), strict=False):
        if (one.text, one.pronunciations, one.pauses) != (other.text, other.pronunciations, other.pauses):
            break
        alike += 1
    return alike


def _choices(job: JobView, chosen: SegmentChoice, end: int, moved: int, tail: int) -> list[SegmentChoice]:
    """Those of the film, moved with their sentences; of the changed ones, and where the footage goes on after them."""
    choices = [choice for choice in job.request.segment_choices if choice.segment < chosen.segment]
    for segment in range(chosen.segment, end):
        runs_on = {} if segment == chosen.segment else {"first_footage_frame": None}
        choices.append(_at(segment, chosen, **runs_on))
    for segment in range(end, end + tail):
        goes_on = {"first_footage_frame": _footage_of(job, segment - moved)} if segment == end else {}
        choices.append(_at(segment, _choice_of(job, segment - moved), **goes_on))
    return [choice for choice in choices if choice != SegmentChoice.model_validate({"segment": choice.segment})]


def _at(segment: int, choice: SegmentChoice, **changes: int | None) -> SegmentChoice:
    return choice.model_copy(update={"segment": segment, **changes})


def _choice_of(job: JobView, segment: int) -> SegmentChoice:
    """What the film chose; the defaults where it chose nothing."""
    chosen = (choice for choice in job.request.segment_choices if choice.segment == segment)
    return next(chosen, SegmentChoice.model_validate({"segment": segment}))


def _footage_of(job: JobView, segment: int) -> int | None:
    return job.segments[segment].first_footage_frame if segment < len(job.segments) else None


def _anew(job: JobView, tail: int) -> int:
    """How many of the last `tail` segments are drawn anew as they move."""
    starts = [segment.first_film_frame for segment in job.segments[len(job.segments) - tail :]] if tail else []
    return sum(start is None or start < OPENING_FRAMES for start in starts)
