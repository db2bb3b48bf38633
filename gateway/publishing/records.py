"""What is kept of a work's publishing: its texts, its cover, and where it was posted; one small file a work."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.fields import Text, UtcTime, shortened
from gateway.publishing.platforms import BY_ID, PlatformId
from gateway.publishing.texts import Texts
from services.base.errors import ExhaustedError, InternalError, InvalidInputError, NotFoundError
from services.media.storage.whole_files import locked, write_whole

MOST_POSTS = 200


class Draft(BaseModel):
    """What a work is to be published with."""

    model_config = ConfigDict(extra="forbid")

    texts: Texts = Field(default=Texts(), description="For every platform that has none of its own.")
    own: dict[PlatformId, Texts] = Field(default={}, description="What is written for one platform alone.")
    cover_frame: Annotated[int, Field(ge=0, le=10_000_000)] | None = Field(
        default=None, description="Film frame of the cover (25 a second); the one that the film chose when null."
    )

    def texts_for(self, platform: PlatformId) -> Texts:
        """The platform's own texts, else those for all."""
        return self.own.get(platform, self.texts)


class NewPost(BaseModel):
    """Where a work was posted."""

    model_config = ConfigDict(extra="forbid")

    platform: PlatformId = Field(description="On which platform.")
    url: Text = Field(description="Address of the post, https.", max_length=2_000)


class Post(NewPost):
    """A post of a work."""

    id: str = Field(description="Assigned by the server.")
    time: UtcTime = Field(description="When it was told.")


class Record(BaseModel):
    """All that is kept."""

    draft: Draft | None = None
    posts: list[Post] = Field(default_factory=list)


class Records:
    """Records by job id, below `root`. Everything here blocks; call it in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, job_id: str) -> Record:
        """What is kept of a work; nothing where nothing was written. Raises InternalError for a damaged file."""
        path = self._path(job_id)
        try:
            return Record.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return Record()
        except ValidationError as error:
            raise InternalError(f"The file {path} is damaged.", "Restore it, or move it away.") from error

    def draft(self, job_id: str, draft: Draft) -> Record:
        """Keeps the draft in place of the one before."""
        return self._changed(job_id, lambda record: record.model_copy(update={"draft": draft}))

    def post(self, job_id: str, told: NewPost) -> Record:
        """Keeps where a work was posted; the same address again changes nothing.

        Raises InvalidInputError for an address that is none of the platform's, ExhaustedError beyond MOST_POSTS.
        """
        post = Post(
            platform=told.platform, url=checked_url(told), id=f"post-{secrets.token_hex(6)}", time=datetime.now(UTC)
        )

        def add(record: Record) -> Record:
            if any((kept.platform, kept.url) == (post.platform, post.url) for kept in record.posts):
                return record
            if len(record.posts) >= MOST_POSTS:
                raise ExhaustedError(f"The work has {MOST_POSTS} posts already.", "Delete some.", "url")
            return record.model_copy(update={"posts": [*record.posts, post]})

        return self._changed(job_id, add)

    def unpost(self, job_id: str, post_id: str) -> Record:
        """Forgets a post. Raises NotFoundError."""

        def drop(record: Record) -> Record:
            rest = [post for post in record.posts if post.id != post_id]
            if len(rest) == len(record.posts):
                raise NotFoundError(
                    f"The work has no post {shortened(post_id)}.", "Look at its publication.", "post_id"
                )
            return record.model_copy(update={"posts": rest})

        return self._changed(job_id, drop)

    def forget(self, job_id: str) -> None:
        """Nothing is kept of a work any more."""
        self._path(job_id).unlink(missing_ok=True)

    def _changed(self, job_id: str, edit: Callable[[Record], Record]) -> Record:
        path = self._path(job_id)
        self._root.mkdir(parents=True, exist_ok=True)
        with locked(self._root / ".lock"):
            record = edit(self.read(job_id))
            write_whole(path, record.model_dump_json(indent=1))
        return record

    def _path(self, job_id: str) -> Path:
        return self._root / f"{quote(job_id, safe='')}.json"


def checked_url(told: NewPost) -> str:
    """The address without white space around it. Raises InvalidInputError (field "url") unless the platform has it."""
    url, platform = told.url.strip(), BY_ID[told.platform]
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in {"http", "https"} or not host or any(character.isspace() for character in url):
        problem = f"{shortened(told.url)} is no address."
        raise InvalidInputError(problem, "Copy it from the post; it begins with https://.", "url", "NO_URL")
    if not any(host == known or host.endswith(f".{known}") for known in platform.hosts):
        problem = f"{shortened(host)} is no address of {platform.names['en']}."
        raise InvalidInputError(problem, f"Its posts are at {', '.join(platform.hosts)}.", "url", "WRONG_HOST")
    return url
