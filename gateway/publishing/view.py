"""What people and programs see of a work's publishing."""

from __future__ import annotations

from pydantic import BaseModel, Field

from gateway.publishing.platforms import PLATFORMS, Platform, PlatformId
from gateway.publishing.records import Draft, Post, Record
from gateway.publishing.rules import Film, Rule, rules
from gateway.publishing.texts import Texts
from vigent.jobs.v1 import jobs_pb2


class Platforms(BaseModel):
    """What each platform takes."""

    items: list[Platform] = Field(description="In the order in which they are shown.")


class Publication(BaseModel):
    """How a work is published."""

    draft: Draft = Field(description="Its texts and its cover; suggested ones while none were kept.")
    checks: dict[PlatformId, list[Rule]] = Field(description="The rules of each platform, held against film and texts.")
    posts: list[Post] = Field(description="Where it was posted, oldest first.")
    frames: int = Field(description="Frames of the film, of which one may be the cover.")


def publication(job: jobs_pb2.Job, record: Record) -> Publication:
    """The view of a finished job and what is kept of it."""
    draft = record.draft or suggested(job)
    film = Film.of(job)
    checks = {platform.id: rules(platform, film, draft.texts_for(platform.id)) for platform in PLATFORMS}
    frames = sum(segment.frames for segment in job.segments)
    return Publication(draft=draft, checks=checks, posts=record.posts, frames=frames)


def suggested(job: jobs_pb2.Job) -> Draft:
    """The film's title, else its first sentence, as title."""
    first = job.segments[0].text if job.segments else ""
    return Draft(texts=Texts(title=(job.spec.title or first).strip()[:500]))
