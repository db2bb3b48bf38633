"""Traces: one for each job, of spans from its HTTP request to the workers. Off, this file is all that is loaded of it.

A span has a parent, by its W3C traceparent, in this process or another one; without one above it, work is not traced.
`tracer.py` makes spans of OpenTelemetry when OTEL_EXPORTER_OTLP_ENDPOINT names a collector; see docs/traces.md.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACEPARENT = "traceparent"
"""The key in HTTP headers and in gRPC metadata."""

Attribute = str | int | float
Metadata = Sequence[tuple[str, str]]

_LOG = logging.getLogger(__name__)
_PROTOCOL, _SPOKEN = "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
_W3C = re.compile("[0-9a-f]{2}-(?P<trace_id>[0-9a-f]{32})-(?P<span_id>[0-9a-f]{16})-[0-9a-f]{2}")


class Span:
    """Of work that nobody traces here: does nothing, and hands on the `traceparent` it has from elsewhere."""

    def __init__(self, traceparent: str = "") -> None:
        self.traceparent = traceparent

    @property
    def metadata(self) -> Metadata | None:
        """What a gRPC call carries, so that the server's span lies below this one."""
        return ((TRACEPARENT, self.traceparent),) if self.traceparent else None

    @property
    def ids(self) -> dict[str, str]:
        """`trace_id` and `span_id` in hexadecimal digits, for logs and exemplars; {} without."""
        told = _W3C.fullmatch(self.traceparent)
        return told.groupdict() if told else {}

    def event(self, name: str, **attributes: Attribute) -> None:
        """Notes that something happened now."""

    def end(self, error: BaseException | None = None, at_ns: int | None = None, **attributes: Attribute) -> None:
        """Ends it, now or at `at_ns` since 1970; a second end changes nothing."""


class Tracer(Protocol):
    """What makes spans when traces are on."""

    def begin(self, name: str, parent: str, kind: str, attributes: Mapping[str, Attribute]) -> Span:
        """A span below `parent`, a traceparent; the first of a trace if that is empty."""

    def close(self) -> None:
        """Sends what has ended, if that can be done soon."""


_NOBODYS = Span()
_present: ContextVar[Span] = ContextVar("span", default=_NOBODYS)
_tracer: Tracer | None = None


def start_tracing(process: str) -> None:
    """Turns the traces of this process, such as "tts", on where the environment names a collector.

    Where they cannot be had, it says so and goes on: the variable may be there for other programs.
    """
    global _tracer  # noqa: PLW0603 - one a process, as its log
    if not os.environ.get(ENDPOINT):
        return
    if (protocol := os.environ.get(_PROTOCOL, _SPOKEN)) != _SPOKEN:
        _LOG.warning("no traces: they are not sent by %s; unset %s or make it %s", protocol, _PROTOCOL, _SPOKEN)
        return
    try:
        from services.base.tracing.tracer import OtlpTracer
    except ImportError:
        _LOG.warning("no traces: %s is set, but OpenTelemetry is not installed; install vigent[traces]", ENDPOINT)
    else:
        _tracer = OtlpTracer(process)


def stop_tracing() -> None:
    """Sends what has ended; takes a second or two if the collector is away."""
    if _tracer is not None:
        _tracer.close()


def present() -> Span:
    """The span that this task or thread works for."""
    return _present.get()


def begin(name: str, *, root: bool = False, kind: str = "internal", **attributes: Attribute) -> Span:
    """A span below the present one, which it does not replace: for work that ends elsewhere. Call its `end`.

    Without one above it, it is none, unless it may be the `root` of a trace. `kind`: "internal", "server", "client".
    """
    above = present()
    if _tracer is None:
        return above  # another process may trace
    return _tracer.begin(name, above.traceparent, kind, attributes) if above.traceparent or root else _NOBODYS


@contextmanager
def span(name: str, *, root: bool = False, kind: str = "internal", **attributes: Attribute) -> Iterator[Span]:
    """Around work: a span as `begin` makes it, present within. An error that leaves it is the span's."""
    begun = begin(name, root=root, kind=kind, **attributes)
    try:
        with _made_present(begun):
            yield begun
    except BaseException as error:
        from asyncio import CancelledError  # workers load this file, and asyncio only when something fails

        if isinstance(error, CancelledError | GeneratorExit):
            begun.event("cancelled")
        else:
            begun.end(error)
        raise
    finally:
        begun.end()


@contextmanager
def continued(traceparent: str | None) -> Iterator[None]:
    """Around work that another process asked for: its spans lie below the one of `traceparent`, unless that is none."""
    with _made_present(Span(traceparent) if traceparent and _W3C.fullmatch(traceparent) else _NOBODYS):
        yield


@contextmanager
def _made_present(made: Span) -> Iterator[None]:
    token = _present.set(made)
    try:
        yield
    finally:
        _present.reset(token)
