"""What went wrong, as the gateway tells it: its problems (RFC 9457) become the errors that they were made from."""

from __future__ import annotations

import json

import httpx

from gateway.http.statuses import class_of
from services.base.errors import DeadlineExceededError, UnavailableError, VigentError


def error_of(response: httpx.Response) -> VigentError:
    """The error that a response with a status from 300 on stands for; its body must have been read."""
    error = error_told(response.text, response.status_code)
    if (after := response.headers.get("retry-after", "")).isdecimal():
        error.retry_after_s = float(after)
    return error


def error_told(text: str, status: int = 500) -> VigentError:
    """The error of a problem's JSON; whatever else a proxy may have said is quoted."""
    try:
        told = json.loads(text)
        status, reason = int(told.get("status", status)), str(told["reason"])
        return class_of(status, reason)(told["problem"], told["remedy"], told["field"], reason)
    except (ValueError, LookupError, TypeError, AttributeError):
        said = " ".join(text.split())[:200]
        return class_of(status)(f"HTTP {status}: {said}", "Check the gateway's address.", reason="NO_PROBLEM_TOLD")


def unreachable(error: httpx.TransportError, url: object) -> VigentError:
    """The error for a gateway that does not answer, or stops in the middle."""
    if isinstance(error, httpx.TimeoutException):
        return DeadlineExceededError(f"{url} did not answer in time.", "Try again, or allow it more time.")
    problem = f"{url} cannot be reached: {error or type(error).__name__}."
    return UnavailableError(problem, "Check its address, and that it runs (`vigent up`).", reason="UNREACHABLE")
