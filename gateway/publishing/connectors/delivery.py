"""A film on its way to a platform: what was asked, and how far it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.films.view import JobFailure
from gateway.publishing.connectors.provider import Progress, Visibility
from gateway.publishing.platforms import PlatformId

State = Literal["waiting", "sending", "processing", "done", "failed", "cancelled"]
ENDED: tuple[State, ...] = ("done", "failed", "cancelled")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        problem = "Time zone should be a name of the IANA database, such as Asia/Shanghai"
        raise PydanticCustomError("time_zone", problem) from error
    return name


def _local(time: datetime) -> datetime:
    if time.tzinfo is not None:
        raise PydanticCustomError("local_time", "Time should be local to time_zone, without an offset of its own")
    return time.replace(microsecond=0)


class NewDelivery(BaseModel):
    """What is to be sent."""

    model_config = ConfigDict(extra="forbid")

    platform: PlatformId = Field(description="To which platform.")
    visibility: Visibility = Field("private", description="Who may see it, where the platform can be told.")
    publish_at: Annotated[datetime, AfterValidator(_local)] | None = Field(
        None, description="When it is to appear, local to `time_zone`, such as 2026-12-24T18:00; at once when null."
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="IANA name.", max_length=64)

    ai_made: bool = Field(
        True,
        description="Whether it is declared as made by AI, where the connector can declare that.",
    )

    @model_validator(mode="after")
    def _exists(self) -> Self:
        if self.publish_at and self.publish_time.astimezone(ZoneInfo(self.time_zone)).replace(tzinfo=None) != (
            self.publish_at
        ):
            problem = "Clocks are put forward then: there is no such time in the time zone"
            raise PydanticCustomError("no_such_time", problem)
        return self

    @property
    def publish_time(self) -> datetime:
        """When it is to appear, in UTC; of two such times in autumn, the first."""
        if self.publish_at is None:
            return datetime.now(UTC)
        return self.publish_at.replace(tzinfo=ZoneInfo(self.time_zone)).astimezone(UTC)


class Delivery(BaseModel):
    """A film on its way."""

    id: str
    job_id: str
    owner: str
    asked: NewDelivery
    state: State = "waiting"
    progress: Progress = Progress()
    size_bytes: int = 0
    url: str = ""
    failures: int = 0
    due: datetime
    not_before: datetime | None = None
    error: JobFailure | None = None
    idempotency_key: str = ""
    create_time: datetime
    sent_time: datetime | None = None


class DeliveryView(BaseModel):
    """A film on its way to a platform."""

    id: str = Field(description="Assigned by the server.")
    job_id: str = Field(description="Which film.")
    asked: NewDelivery = Field(description="What was asked.")
    state: State = Field(description="Processing: the platform looks at it. Failed and cancelled ones can be retried.")
    sent_bytes: int = Field(description="How much of the film is there.")
    size_bytes: int = Field(description="Its length; 0 while not known.")
    url: str = Field(description="Address of the post; empty for drafts, and while not known.")
    due: datetime | None = Field(description="When it is tried next, while it waits.")
    error: JobFailure | None = Field(description="What went wrong last; null once it went on.")
    create_time: datetime = Field(description="When it was asked for.")


def delivery_view(delivery: Delivery) -> DeliveryView:
    """The delivery for people and programs: nothing of accounts and addresses that can be written to."""
    shared = delivery.model_dump(include={"id", "job_id", "state", "size_bytes", "url", "create_time"})
    due = delivery.due if delivery.state in {"waiting", "processing"} else None
    sent = delivery.progress.sent_bytes
    return DeliveryView(**shared, asked=delivery.asked, error=delivery.error, sent_bytes=sent, due=due)
