"""Uploads in parts, by the tus protocol (https://tus.io/protocols/resumable-upload): begun, gone on with, ended.

A whole one becomes an entry when a library gets its id as the field `upload` in place of a file.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from tuspyserver import create_tus_router

from gateway.http.problems import problem_response
from gateway.http.unfinished import KEPT_DAYS, RefusedError, UnfinishedUploads
from services.base.errors import InvalidInputError, VigentError

PATH = "/api/v1/uploads"
VERSION = "1.0.0"
_NAMES = {"POST": "begin_upload", "HEAD": "look_at_upload", "PATCH": "continue_upload", "DELETE": "end_upload"}
_NOT_OFFERED = ("upload-concat", "upload-defer-length")
_PROBLEMS = {
    404: ("There is no such upload.", "Begin it anew.", "upload", "UPLOAD_NOT_FOUND"),
    409: ("The upload is at another byte.", "Ask with HEAD where to go on.", "Upload-Offset", "WRONG_OFFSET"),
    410: ("The upload was begun more than a day ago.", "Begin it anew.", "upload", "UPLOAD_EXPIRED"),
    412: (f"Tus-Resumable is not {VERSION}.", "Use that version of tus.", "Tus-Resumable", "WRONG_VERSION"),
    415: ("The part is not declared as one.", "Send application/offset+octet-stream.", "Content-Type", "WRONG_TYPE"),
}


def resumable_router(unfinished: UnfinishedUploads) -> APIRouter:
    """The four verbs that are offered; what else tuspyserver has would need rules of its own."""
    made = create_tus_router(
        prefix=PATH,
        storage=unfinished,
        max_size=unfinished.limit_bytes,
        days_to_keep=KEPT_DAYS,
        pre_create_hook=unfinished.admit,  # type: ignore[arg-type]  # it awaits what it gets
    )
    router = APIRouter(route_class=_Route, include_in_schema=False)
    for route in made.routes:
        (verb,) = route.methods
        if verb in _NAMES and not route.path.endswith("/"):
            answers = {"methods": [verb], "status_code": route.status_code, "name": _NAMES[verb]}
            router.add_api_route(route.path, route.endpoint, **answers)
    return router


class _Route(APIRoute):
    """Answers in our own words, and with a place that is right behind every proxy."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                _refuse_what_is_not_offered(request)
                response = await inner(request)
            except HTTPException as error:
                if (told := _problem_of(error)) is None:
                    raise
                return problem_response(request, told, error.status_code)
            if place := response.headers.get("location"):
                response.headers["location"] = urlsplit(place).path
            return response

        return handler


def _refuse_what_is_not_offered(request: Request) -> None:
    """Raises InvalidInputError: tuspyserver would write the first bytes past what keeps a store right."""
    for header in _NOT_OFFERED:
        if header in request.headers:
            raise InvalidInputError(f"{header} is not offered.", "Leave it out.", header, "NOT_OFFERED")
    if request.method == "POST" and request.headers.get("content-length", "0") != "0":
        problem, remedy = "An upload is begun without a body.", "Send the bytes with PATCH."
        raise InvalidInputError(problem, remedy, "body", "NOT_OFFERED")


def _problem_of(error: HTTPException) -> VigentError | None:
    if isinstance(error, RefusedError):
        return error.error
    if error.status_code == 400:
        return InvalidInputError(f"{error.detail}.", "See tus.io/protocols/resumable-upload.", "upload", "BAD_PART")
    told = _PROBLEMS.get(error.status_code)
    return InvalidInputError(*told) if told else None
