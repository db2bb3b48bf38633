"""What a platform's connector does: the one interface of all of them, in terms that no platform owns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

import httpx
from pydantic import BaseModel, Field

from gateway.publishing.platforms import BY_ID, PlatformId
from gateway.publishing.rules import Film, rules
from gateway.publishing.texts import Texts
from services.base.errors import (
    ExhaustedError,
    FailedPreconditionError,
    InvalidInputError,
    UnauthenticatedError,
    UnavailableError,
    VigentError,
)

Visibility = Literal["public", "unlisted", "private"]
Stage = Literal["processing", "done"]

REFUSED, REJECTED = "PLATFORM_REFUSES", "REJECTED"
"""Reasons of errors: a request that the platform refuses, and a film that it does not take once it is there."""


class Capabilities(BaseModel):
    """What a connector can do."""

    result: Literal["post", "draft"] = Field(
        description="Whether a post appears, or a draft that is finished in the platform's app."
    )
    visibilities: list[Visibility] = Field(description="Who may see a post; empty where the app asks for it.")
    texts: bool = Field(description="Whether title, description and tags go with the film.")
    declares_ai: bool = Field(description="Whether it declares the film as made by AI.")
    schedules: bool = Field(description="Whether the platform itself keeps the time; else Vigent waits until then.")


class Tokens(BaseModel):
    """What lets us post to an account. Kept encrypted; its text shows none of it."""

    access: str = Field(repr=False)
    refresh: str = Field(default="", repr=False)
    ends: datetime
    account: str = ""


@dataclass(frozen=True)
class Client:
    """Vigent as the platform knows it, and where the platform is: `base` stands for all of its addresses."""

    id: str
    secret: str
    base: str = ""

    def __repr__(self) -> str:
        return f"Client({self.id!r})"

    def at(self, url: str) -> str:
        """The platform's address, or its place below `base`."""
        return f"{self.base.rstrip('/')}{httpx.URL(url).raw_path.decode()}" if self.base else url


@dataclass(frozen=True)
class Plan:
    """One film to be sent, and as what."""

    film: Path
    size_bytes: int
    texts: Texts
    visibility: Visibility
    ai_made: bool
    publish_time: datetime | None

    def part(self, start: int, length: int) -> bytes:
        """Bytes of the film."""
        with self.film.open("rb") as file:
            file.seek(start)
            return file.read(length)


class Progress(BaseModel):
    """How far sending is: kept after each part, so that another process goes on there."""

    session: str = Field(default="", repr=False)
    sent_bytes: int = 0
    remote_id: str = ""


class Outcome(BaseModel):
    """What has become of a film at the platform."""

    stage: Stage
    url: str = ""


Keep = Callable[[Progress], Awaitable[None]]
"""Keeps how far sending is. Raises CancelledError when it is to stop."""


class Provider(ABC):
    """A platform. Every method that asks it raises the errors of `refused` and httpx's."""

    platform: ClassVar[PlatformId]
    capabilities: ClassVar[Capabilities]

    def __init__(self, client: Client) -> None:
        self.client = client

    @abstractmethod
    def sign_in_url(self, redirect: str, state: str, verifier: str) -> str:
        """Where the browser goes to agree; it comes back to `redirect` with `state` and a code."""

    @abstractmethod
    async def tokens(self, http: httpx.AsyncClient, code: str, redirect: str, verifier: str) -> Tokens:
        """What the code is exchanged for."""

    @abstractmethod
    async def renewed(self, http: httpx.AsyncClient, tokens: Tokens) -> Tokens:
        """Tokens that hold on. Raises UnauthenticatedError (SIGN_IN_AGAIN) when the account's owner must agree anew."""

    @abstractmethod
    async def revoke(self, http: httpx.AsyncClient, tokens: Tokens) -> None:
        """Gives up what the account's owner allowed."""

    def validate(self, film: Film, texts: Texts) -> None:
        """Raises InvalidInputError (BREAKS_RULE) for what the platform's rules refuse."""
        for rule in rules(BY_ID[self.platform], film, texts):
            if rule.state == "bad":
                raise InvalidInputError(rule.problem, "Mend it on the publish page.", rule.name, "BREAKS_RULE")

    @abstractmethod
    async def upload(self, http: httpx.AsyncClient, access: str, plan: Plan, progress: Progress, keep: Keep) -> None:
        """Sends what is missing, from where `progress` says; then `progress.remote_id` is known."""

    @abstractmethod
    async def status(self, http: httpx.AsyncClient, access: str, progress: Progress) -> Outcome:
        """What has become of it. Raises FailedPreconditionError (REJECTED) when the platform refuses the film."""

    async def cancel(self, http: httpx.AsyncClient, progress: Progress) -> None:  # noqa: B027
        """Tells the platform that no more will come."""


def refused(platform: str, status: int, reason: str, message: str, after_s: float | None = None) -> VigentError:
    """What an answer with an HTTP status and the platform's own word for it means."""
    words = " ".join(message.split())[:200].rstrip(".")
    told = f"{platform} answers {reason or status}{words and ': '}{words}."
    if status == httpx.codes.UNAUTHORIZED:
        return UnauthenticatedError(told, "Connect the account again.", reason="TOKEN_REFUSED")
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return ExhaustedError(told, "It is tried again later.", "", "PLATFORM_BUSY", after_s or 60.0)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return UnavailableError(told, "It is tried again soon.", reason="PLATFORM_AWAY", retry_after_s=after_s)
    return FailedPreconditionError(told, "Mend what it names, then try again.", reason=REFUSED)


def json_of(response: httpx.Response, platform: str) -> dict[str, Any]:
    """The object of an answer. Raises UnavailableError for anything else."""
    try:
        told = response.json()
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise refused(platform, 502, "", "what it says is not understood")
    return told
