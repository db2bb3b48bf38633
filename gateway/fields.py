"""Field types shared by several kinds of input, and pydantic's complaints in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from services.base.errors import InvalidInputError


def _encodable(text: str) -> str:
    """Refuses half of a surrogate pair: JSON can express it, but it is no character and cannot be sent on."""
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise PydanticCustomError("lone_surrogate", "Text should consist of whole characters")
    return text


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError as error:
        raise PydanticCustomError("year", "Time should be in the years 1 to 9999") from error


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
    statement: SomeText = Field(description="Wording of the agreement.", max_length=4_000)
    given_time: UtcTime | None = Field(None, description="When it was given; now, when left out.")


def invalid_input_of(first: dict[str, Any], documented: str = "/docs") -> InvalidInputError:
    """What pydantic found, in our words. The offending value is quoted, shortened. `documented`: where to look."""
    place = [str(part) for part in first["loc"] if part not in {"body", "query", "path", "header"}]
    field = ".".join(place) or "body"
    if first["type"] == "extra_forbidden":
        remedy = f"Remove it, or look up its name in {documented}."
        return InvalidInputError(f"There is no field {field!r}.", remedy, field, "UNKNOWN_FIELD")
    if first["type"] == "json_invalid":
        return no_json()
    if first["type"] == "missing":
        remedy = f"Give it; {documented} shows an example."
        return InvalidInputError(f"The field {field!r} is missing.", remedy, field, "MISSING")
    problem = f"{first['msg']}, not {shortened(first.get('input'))}."
    return InvalidInputError(problem, f"Correct the value; {documented} shows what is allowed.", field)


def no_json() -> InvalidInputError:
    """The error for a body that cannot be read as JSON."""
    return InvalidInputError("The body is not JSON.", "Send one JSON object, in UTF-8.", "body", "NO_JSON")


def shortened(value: object, most: int = 80) -> str:
    """A value, cut short enough to be quoted in an error."""
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}…"
