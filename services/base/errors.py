"""Errors that engines, services and the orchestrator raise; `status.py` alone turns them into gRPC codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class VigentError(Exception):
    """Something went wrong that a person can understand.

    `problem` says what is wrong, `remedy` what to do, `field` which input is at fault (a path such as "spec.script";
    empty if none is); `reason` is a machine-readable name in UPPER_SNAKE_CASE. Can be pickled from process to process.
    """

    problem: str
    remedy: str = ""
    field: str = ""
    reason: str = ""
    retry_after_s: float | None = None

    default_reason: ClassVar[str] = "INTERNAL"
    retryable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.reason = self.reason or self.default_reason
        super().__init__(self.problem)

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        return f"{place}{self.problem} {self.remedy}".strip()

    def __reduce__(self) -> tuple[type[VigentError], tuple[str, str, str, str, float | None]]:
        return type(self), (self.problem, self.remedy, self.field, self.reason, self.retry_after_s)


class InvalidInputError(VigentError):
    """The caller sent something that can never work; fix `field` and call again."""

    default_reason = "INVALID_INPUT"


class UnauthenticatedError(VigentError):
    """Who calls is not known: no key, a wrong one, another user of this machine."""

    default_reason = "UNAUTHENTICATED"


class PermissionDeniedError(VigentError):
    """Who calls is known, and may not do this."""

    default_reason = "PERMISSION_DENIED"


class NotFoundError(VigentError):
    """What the caller named does not exist."""

    default_reason = "NOT_FOUND"


class AlreadyExistsError(VigentError):
    """What the caller wants to create exists already, with other content."""

    default_reason = "ALREADY_EXISTS"


class FailedPreconditionError(VigentError):
    """The call does not fit the present state: cancelling a job that has ended, deleting what is in use."""

    default_reason = "FAILED_PRECONDITION"


class ExhaustedError(VigentError):
    """No room right now: queue full, device memory or disk used up. Try again after `retry_after_s`."""

    default_reason = "EXHAUSTED"
    retryable = True


class UnavailableError(VigentError):
    """The server or its worker is starting, hung, dead or draining, or gave up waiting for its caller. Try again."""

    default_reason = "UNAVAILABLE"
    retryable = True


class DeadlineExceededError(VigentError):
    """The caller's deadline passed before the work was done."""

    default_reason = "DEADLINE_EXCEEDED"


class CancelledError(VigentError):
    """The caller went away or asked to stop. Raised inside engines by `Progress.advance`."""

    default_reason = "CANCELLED"


class InternalError(VigentError):
    """A fault of ours. The message tells no internals; the log does."""

    default_reason = "INTERNAL"
