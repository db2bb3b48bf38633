"""What can be asked of a gateway: each request, and how its answer is read, for both clients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from gateway.films.forecast import Forecast
from gateway.films.request import FilmRequest
from gateway.films.script import ScriptRequest, ScriptView
from gateway.films.view import JobPage, JobState, JobView
from gateway.http.replicas import ServiceState
from gateway.library.assets import ASSET_TYPES, Asset, Description, Voices
from services.base.errors import InternalError

AnswerT = TypeVar("AnswerT")
ModelT = TypeVar("ModelT", bound=BaseModel)
AssetT = TypeVar("AssetT", bound=Asset)

PAGE_SIZE = 100
_KINDS = {asset_type: kind for kind, asset_type in ASSET_TYPES.items()}


@dataclass(frozen=True)
class Call(Generic[AnswerT]):
    """A request, and how its answer is read."""

    verb: str
    path: str
    read: Callable[[bytes], AnswerT]
    body: BaseModel | None = None
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> dict[str, Any]:
        """What httpx's `request` takes of it, beside path and headers."""
        json = None if self.body is None else self.body.model_dump(mode="json", exclude_unset=True)
        return {"params": self.params, "json": json, "data": self.form or None}


def job_path(job_id: str, rest: str = "") -> str:
    """Path of a job, or of what it has."""
    return f"/api/v1/jobs/{quote(job_id, safe='')}{rest}"


def make(request: FilmRequest, idempotency_key: str) -> Call[JobView]:
    """Submits a job."""
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    return Call("POST", "/api/v1/jobs", _model(JobView), body=request, headers=headers)


def jobs(state: JobState | None, page_token: str) -> Call[JobPage]:
    """One page of jobs."""
    params = {"page_size": PAGE_SIZE, "page_token": page_token, **({"state": state} if state else {})}
    return Call("GET", "/api/v1/jobs", _model(JobPage), params=params)


def job(job_id: str) -> Call[JobView]:
    """A job as it is now."""
    return Call("GET", job_path(job_id), _model(JobView))


def act(job_id: str, what: str) -> Call[JobView]:
    """Cancels or retries a job."""
    return Call("POST", job_path(job_id, f"/{what}"), _model(JobView))


def delete(job_id: str) -> Call[None]:
    """Deletes a job."""
    return Call("DELETE", job_path(job_id), _nothing)


def script(request: ScriptRequest) -> Call[ScriptView]:
    """Looks at a script."""
    return Call("POST", "/api/v1/script", _model(ScriptView), body=request)


def forecast(request: FilmRequest) -> Call[Forecast]:
    """Counts what a film would still need."""
    return Call("POST", "/api/v1/forecast", _model(Forecast), body=request)


def voices() -> Call[Voices]:
    """All voices."""
    return Call("GET", "/api/v1/voices", _model(Voices))


def library(asset_type: type[AssetT]) -> Call[list[AssetT]]:
    """The entries of a kind."""
    return Call("GET", library_path(asset_type), _member("items", list[asset_type]))  # type: ignore[valid-type]


def upload(asset_type: type[AssetT], description: Description) -> Call[AssetT]:
    """Adds to a library; the file goes with it."""
    said = description.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return Call("POST", library_path(asset_type), _model(asset_type), form=said)


def remove(asset_type: type[Asset], asset_id: str) -> Call[None]:
    """Deletes from a library."""
    return Call("DELETE", f"{library_path(asset_type)}/{quote(asset_id, safe='')}", _nothing)


def services() -> Call[list[ServiceState]]:
    """The mesh."""
    return Call("GET", "/api/v1/services", _member("services", list[ServiceState]))


def library_path(asset_type: type[Asset]) -> str:
    """Path of the library of a kind."""
    return f"/api/v1/{_KINDS[asset_type]}"


def read_model(model: type[ModelT], content: bytes | str) -> ModelT:
    """What the gateway said, without members that a newer one adds. Raises InternalError if it is something else."""
    try:
        return model.model_validate_json(content, extra="ignore")
    except ValidationError as error:
        raise _not_understood(error) from error


def _model(model: type[ModelT]) -> Callable[[bytes], ModelT]:
    return lambda content: read_model(model, content)


def _member(name: str, kind: Any) -> Callable[[bytes], Any]:  # noqa: ANN401  # a type such as list[Music]
    adapter = TypeAdapter(dict[str, kind])

    def read(content: bytes) -> Any:  # noqa: ANN401
        try:
            return adapter.validate_json(content, extra="ignore")[name]
        except (ValidationError, KeyError) as error:
            raise _not_understood(error) from error

    return read


def _nothing(_content: bytes) -> None:
    return None


def _not_understood(error: Exception) -> InternalError:
    remedy = "Check that the address is a Vigent gateway, of a version like the client's."
    return InternalError(f"The answer is not what was asked for: {str(error)[:200]}", remedy, reason="NOT_UNDERSTOOD")
