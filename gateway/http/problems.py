"""The one border where errors become HTTP: RFC 9457 problem details with reason, field and remedy."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from gateway.fields import invalid_input_of, no_json, shortened
from gateway.films.spec import request_field
from gateway.http.statuses import status_of
from services.base import errors

CONTENT_TYPE = "application/problem+json"
OPENAI_PREFIX = "/v1/"

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_LOG = logging.getLogger(__name__)


class Problem(BaseModel):
    """What every error looks like (RFC 9457, with four members of our own)."""

    type: str = Field("about:blank", description="The reason says which problem it is.")
    title: str = Field(description="Name of the HTTP status.", examples=["Unprocessable Content"])
    status: int = Field(description="HTTP status.", examples=[422])
    detail: str = Field(description="What is wrong and what to do, in one line.")
    instance: str = Field(description="Path of the request.", examples=["/api/v1/jobs"])
    reason: str = Field(description="Machine-readable name of the problem.", examples=["INVALID_INPUT"])
    field: str = Field(description="Input at fault; empty when none is.", examples=["script"])
    problem: str = Field(description="What is wrong.", examples=["The script is empty."])
    remedy: str = Field(description="What to do.", examples=["Write what the presenter is to say."])


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text}
    for status, text in {
        401: "No valid key came with the request.",
        403: "The key may not do this, or the request came from another site's page.",
        404: "It does not exist.",
        409: "It conflicts with the current state.",
        408: "The body arrived too slowly.",
        413: "The body is larger than this path accepts.",
        415: "The body is not declared as JSON.",
        422: "The input is invalid; `field` names what is at fault.",
        429: "Too busy; try again after `Retry-After` seconds.",
        503: "A service is starting, busy or down, or the gateway is full or shutting down; try again.",
        504: "A service did not answer in time.",
        507: "The disk is full; try again after `Retry-After` seconds.",
    }.items()
}


def name_media_type(api: dict[str, Any]) -> None:
    """Makes the OpenAPI document `api` say that problems come as application/problem+json."""
    for path in api["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                if content.get("application/json", {}).get("schema", {}).get("$ref", "").endswith("/Problem"):
                    content[CONTENT_TYPE] = content.pop("application/json")


def install_error_handlers(app: FastAPI) -> None:
    """Makes `app` answer every error with a problem."""
    app.add_exception_handler(errors.VigentError, _vigent_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _client_left)
    app.add_exception_handler(Exception, _unexpected_error)


def problem_response(request: Request, error: errors.VigentError, status: int | None = None) -> JSONResponse:
    """The response that reports `error`."""
    return problem_at(request.url.path, error, status)


def problem_at(path: str, error: errors.VigentError, status: int | None = None) -> JSONResponse:
    """The response that reports `error` for a request to `path`, "" if no path could be read."""
    status = status or status_of(error)
    field = request_field(error.field)
    problem = Problem(
        type="about:blank",
        title=_title(status),
        status=status,
        detail=f"{error.problem} {error.remedy}".strip(),
        instance=path,
        reason=error.reason,
        field=field,
        problem=error.problem,
        remedy=error.remedy,
    )
    body = problem.model_dump()
    if path.startswith(OPENAI_PREFIX):  # where OpenAI's clients look for it
        kind = "invalid_request_error" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
        body["error"] = {"message": problem.detail, "type": kind, "param": field or None, "code": error.reason}
    headers = {} if error.retry_after_s is None else {"Retry-After": str(math.ceil(error.retry_after_s))}
    return JSONResponse(body, status, headers, CONTENT_TYPE)


async def _vigent_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.VigentError)
    if isinstance(error, errors.InternalError):
        _LOG.error("%s %s: %s", request.method, request.url.path, error)
    return problem_response(request, error)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    if tuple(first["loc"]) == ("body",) and request.method != "GET" and not _is_json(request):
        return _no_json_announced(request)
    return problem_response(request, invalid_input_of(first))


def _is_json(request: Request) -> bool:
    """By FastAPI's own rule; it parses no other body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _no_json_announced(request: Request) -> JSONResponse:
    given = request.headers.get("content-type")
    problem = "The body has no Content-Type." if given is None else f"The body is declared as {shortened(given)}."
    remedy = "Send a JSON object with Content-Type: application/json."
    error = errors.InvalidInputError(problem, remedy, "Content-Type", "UNSUPPORTED_MEDIA_TYPE")
    response = problem_response(request, error, 415)
    response.headers["Accept"] = "application/json"
    return response


def http_problem(request: Request, error: HTTPException) -> JSONResponse:
    """The problem that an error of the framework stands for."""
    problem, remedy, reason = error.detail.rstrip("."), "", HTTPStatus(error.status_code).name
    match error.status_code:
        case 400:  # whatever the framework cannot parse: invalid UTF-8, huge numbers, excessive nesting
            return problem_response(request, no_json())
        case 404:
            problem, remedy = f"There is no {request.url.path[:200]}", "See /docs for all paths."
        case 405:
            return _not_allowed(request)
        case 408:
            remedy = "Send it faster, or in smaller parts."
        case 412:
            remedy = "Fetch it again without If-Match."
        case 413:
            remedy, reason = "Send less, or raise the limit in the settings.", "BODY_TOO_LARGE"
    response = problem_response(request, errors.VigentError(f"{problem}.", remedy, "", reason), error.status_code)
    response.headers.update(error.headers or {})
    return response


def _not_allowed(request: Request) -> JSONResponse:
    """Names the methods of all routes with this path; the framework names only those of the first."""
    methods = ", ".join(method for method in _METHODS if _takes(request, method))
    problem, remedy = f"{request.url.path[:200]} does not accept {request.method}.", f"It accepts {methods}."
    response = problem_response(request, errors.VigentError(problem, remedy, "", "METHOD_NOT_ALLOWED"), 405)
    response.headers["Allow"] = methods
    return response


def _takes(request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return http_problem(request, error)


async def _client_left(request: Request, _error: Exception) -> JSONResponse:
    return problem_response(request, errors.CancelledError("The client disconnected."))


async def _unexpected_error(request: Request, error: Exception) -> JSONResponse:
    _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(request, errors.InternalError("An internal error.", "The gateway's log has the reason."))


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Client Closed Request"
