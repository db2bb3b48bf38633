"""Turns errors into a gRPC status with google.rpc details, and back."""

from __future__ import annotations

import contextlib

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from services.base.errors import (
    AlreadyExistsError,
    CancelledError,
    DeadlineExceededError,
    ExhaustedError,
    FailedPreconditionError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
    UnavailableError,
    VigentError,
)

_DOMAIN = "vigent"
_DETAILS_KEY = "grpc-status-details-bin"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"  # gRFC A6: when a client may retry

_CODES: dict[type[VigentError], grpc.StatusCode] = {
    InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    ExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
    CancelledError: grpc.StatusCode.CANCELLED,
    InternalError: grpc.StatusCode.INTERNAL,
}
_ERRORS = {code: error for error, code in _CODES.items()}

Metadata = tuple[tuple[str, str | bytes], ...]


def code_of(error: VigentError) -> grpc.StatusCode:
    """The gRPC code of an error; a subclass has that of its base class."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), grpc.StatusCode.INTERNAL)


def trailers_of(error: VigentError) -> Metadata:
    """Trailing metadata that carries the error: a google.rpc.Status, and when to retry."""
    code: int = code_of(error).value[0]
    status = status_pb2.Status(code=code, message=str(error))
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=_DOMAIN)
    info.metadata.update(problem=error.problem, remedy=error.remedy)
    status.details.add().Pack(info)
    if error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.problem)
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
    if error.retry_after_s is None:
        return ((_DETAILS_KEY, status.SerializeToString()),)
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
    status.details.add().Pack(retry)
    return (_DETAILS_KEY, status.SerializeToString()), (_PUSHBACK_KEY, str(int(error.retry_after_s * 1000)))


def error_of(call: grpc.aio.AioRpcError) -> VigentError:
    """The error that a remote status stands for; a status without our details came from gRPC or another server."""
    data = dict(call.trailing_metadata() or ()).get(_DETAILS_KEY)
    status = status_pb2.Status()
    with contextlib.suppress(DecodeError):
        status.ParseFromString(data if isinstance(data, bytes) else b"")
    info, request, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    found = {
        detail.DESCRIPTOR.name
        for packed in status.details
        for detail in (info, request, retry)
        if packed.Unpack(detail)
    }
    if "ErrorInfo" not in found:
        return _foreign(call)
    field = request.field_violations[0].field if request.field_violations else ""
    retry_after_s = retry.retry_delay.ToNanoseconds() / 1e9 if "RetryInfo" in found else None
    problem = info.metadata.get("problem", status.message)
    remedy = info.metadata.get("remedy", "")
    return _ERRORS.get(call.code(), InternalError)(problem, remedy, field, info.reason, retry_after_s)


def _foreign(call: grpc.aio.AioRpcError) -> VigentError:
    code, details = call.code(), call.details() or ""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:  # our own refusals carry details: this is gRPC's size limit
        return InvalidInputError(f"The message is too large ({details}).", "Send it in parts.", reason="TOO_LARGE")
    # Our own cancel raises asyncio's error and our own faults carry details: this is a server going down, or a call
    # that was refused while its caller was still sending, in which case grpc.aio loses the details.
    if code in {grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL}:
        return UnavailableError(f"The server ended the call ({details}).", "Try again.")
    return _ERRORS.get(code, InternalError)(f"The call failed with {code.name} ({details}).")
