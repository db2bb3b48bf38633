"""Our errors and their HTTP statuses: what the gateway answers with, and what its client makes of the answer."""

from __future__ import annotations

from services.base import errors
from services.base.disk import DISK_FULL

_STATUS: dict[type[errors.VigentError], int] = {
    errors.InvalidInputError: 422,
    errors.UnauthenticatedError: 401,
    errors.PermissionDeniedError: 403,
    errors.NotFoundError: 404,
    errors.FailedPreconditionError: 409,
    errors.AlreadyExistsError: 409,
    errors.ExhaustedError: 429,
    errors.UnavailableError: 503,
    errors.DeadlineExceededError: 504,
    errors.CancelledError: 499,  # nginx's "client closed request"; nobody is left to read it
    errors.InternalError: 500,
}
_DISK_FULL = 507
_ALSO: dict[int, type[errors.VigentError]] = {
    **dict.fromkeys((400, 405, 412, 413, 415, 416), errors.InvalidInputError),
    408: errors.DeadlineExceededError,
    502: errors.UnavailableError,  # a proxy before the gateway that does not reach it
    _DISK_FULL: errors.ExhaustedError,
}
_CLASSES = {status: cls for cls, status in reversed(_STATUS.items())} | _ALSO


def status_of(error: errors.VigentError) -> int:
    """HTTP status of an error, from the nearest of our classes in its ancestry."""
    if error.reason == DISK_FULL:
        return _DISK_FULL
    return next((_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS), 500)


def class_of(status: int, reason: str = "") -> type[errors.VigentError]:
    """The error that an HTTP status stands for; 409 stands for two, of which the reason tells one."""
    if reason == errors.AlreadyExistsError.default_reason:
        return errors.AlreadyExistsError
    return _CLASSES.get(status, errors.InvalidInputError if status < 500 else errors.InternalError)
