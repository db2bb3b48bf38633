"""A film and its texts held against the rules of a platform, before anything is uploaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import Literal

from pydantic import BaseModel, Field

from gateway.publishing.platforms import Platform, TextLimit
from gateway.publishing.texts import Texts, described, length, tags_length
from vigent.jobs.v1 import jobs_pb2

_FRAMES_A_SECOND = 25  # of every film
FILM = "film.mp4"

RuleName = Literal["length", "size", "shape", "sides", "title", "description", "tags", "characters", "declaration"]
RuleState = Literal["ok", "warning", "bad"]
RuleUnit = Literal["s", "bytes", "px", "characters", "utf16", "tags", ""]


class Rule(BaseModel):
    """One rule of a platform, and whether it is kept."""

    name: RuleName = Field(description="What it is about.")
    state: RuleState = Field(description="`bad`: the platform refuses it; `warning`: it takes it, but look at it.")
    reason: str = Field(default="", description="Machine-readable name of what is wrong; empty when nothing is.")
    value: float | None = Field(default=None, description="What the film or the text has, in `unit`.")
    least: float | None = Field(default=None, description="Least that is taken.")
    most: float | None = Field(default=None, description="Most that is taken.")
    unit: RuleUnit = Field(default="", description="Unit of the numbers.")
    subject: str = Field(default="", description="The shape, or the characters or tags at fault.")
    problem: str = Field(default="", description="What is wrong and what to do; empty when nothing is.")


@dataclass(frozen=True)
class Film:
    """What counts of a finished film."""

    width: int
    height: int
    duration_s: float
    size_bytes: int
    ai_label: bool

    @classmethod
    def of(cls, job: jobs_pb2.Job) -> Film:
        """The film of a job that is done."""
        frames = sum(segment.frames for segment in job.segments)
        spec = job.spec
        return cls(
            width=spec.width or 1080,
            height=spec.height or 1920,
            duration_s=frames / _FRAMES_A_SECOND,
            size_bytes=job.outputs[FILM].size_bytes,
            ai_label=spec.ai_label != jobs_pb2.AI_LABEL_OFF,
        )

    @property
    def shape(self) -> str:
        """Width and height in smallest whole numbers, such as "9:16"."""
        divisor = gcd(self.width, self.height)
        return f"{self.width // divisor}:{self.height // divisor}"


def rules(platform: Platform, film: Film, texts: Texts) -> list[Rule]:
    """Every rule of the platform, in the order in which they are shown."""
    return [*_of_the_film(platform, film), *_of_the_texts(platform, texts), _declaration(film)]


def _of_the_film(platform: Platform, film: Film) -> Iterator[Rule]:
    yield _within("length", film.duration_s, "s", platform.shortest_s or None, platform.longest_s)
    yield _within("size", film.size_bytes, "bytes", None, platform.largest_bytes)
    yield _shape(platform, film)
    yield _within("sides", min(film.width, film.height), "px", platform.least_side_px or None, None)


def _of_the_texts(platform: Platform, texts: Texts) -> Iterator[Rule]:
    if platform.title is not None:
        yield _text("title", texts.title.strip(), platform.title)
    yield _text("description", described(texts, platform), platform.description)
    yield _tags(platform, texts)
    if platform.forbidden:
        yield _characters(platform, texts)


def _within(name: RuleName, value: float, unit: RuleUnit, least: float | None, most: float | None) -> Rule:
    rule = Rule(name=name, state="ok", value=value, least=least, most=most, unit=unit)
    if least is not None and value < least:
        return _broken(rule, "TOO_LITTLE", f"The {name} is {value:g} {unit}, at least {least:g} is needed.")
    if most is not None and value > most:
        return _broken(rule, "TOO_MUCH", f"The {name} is {value:g} {unit}, at most {most:g} is taken.")
    return rule


def _broken(rule: Rule, reason: str, problem: str, state: RuleState = "bad") -> Rule:
    return rule.model_copy(update={"state": state, "reason": reason, "problem": problem})


def _shape(platform: Platform, film: Film) -> Rule:
    rule = Rule(name="shape", state="ok", subject=film.shape)
    if film.shape in platform.shapes:
        return rule
    problem = f"{film.shape} is shown between bars; {' or '.join(platform.shapes)} fills the screen."
    return _broken(rule, "BARS", problem, "warning")


def _text(name: RuleName, text: str, limit: TextLimit) -> Rule:
    count = length(text, limit.unit)
    rule = Rule(name=name, state="ok", value=count, least=limit.least or None, most=limit.most, unit=limit.unit)
    if not text:
        return _broken(rule, "MISSING", f"The {name} is missing: write one.") if limit.required else rule
    if count > limit.most:
        return _broken(rule, "TOO_LONG", f"The {name} is {count - limit.most} {limit.unit} too long: shorten it.")
    if count < limit.least:
        return _broken(rule, "TOO_SHORT", f"The {name} needs at least {limit.least} {limit.unit}.")
    return rule


def _tags(platform: Platform, texts: Texts) -> Rule:
    limit, tags = platform.tags, texts.tags
    if limit.together is not None:
        count = tags_length(tags)
        rule = Rule(name="tags", state="ok", value=count, most=limit.together, unit="characters")
        return rule if count <= limit.together else _broken(rule, "TOO_LONG", "The tags are too long: leave some out.")
    rule = Rule(name="tags", state="ok", value=len(tags), most=limit.most, unit="tags")
    if limit.most is not None and len(tags) > limit.most:
        return _broken(rule, "TOO_MANY", f"{len(tags)} tags, at most {limit.most} are taken: leave some out.")
    if limit.each is not None and (longer := [tag for tag in tags if len(tag) > limit.each]):
        found = _broken(rule, "TAG_TOO_LONG", f"The tag {longer[0]!r} is longer than {limit.each} characters.")
        return found.model_copy(update={"subject": longer[0]})
    return rule


def _characters(platform: Platform, texts: Texts) -> Rule:
    found = "".join(sorted(set(platform.forbidden) & set(texts.title + texts.description)))
    rule = Rule(name="characters", state="ok", subject=found or platform.forbidden)
    if not found:
        return rule
    return _broken(rule, "FORBIDDEN", f"Title and description may not have {' '.join(found)}: leave them out.")


def _declaration(film: Film) -> Rule:
    """The mark is in the film; that the maker declares it too is theirs to do, and stands in the checklist."""
    rule = Rule(name="declaration", state="ok")
    if film.ai_label:
        return rule
    problem = "The film has no mark of AI-made content, which the law of several countries asks for."
    return _broken(rule, "NO_LABEL", problem, "warning")
