"""Spans of OpenTelemetry, sent to a collector by OTLP over HTTP. Loaded only when traces are on.

Sending never holds work up: ended spans wait in a queue of 2,048 (OTEL_BSP_MAX_QUEUE_SIZE), a thread sends them, and
those that find it full are lost. Whom to trust, headers and sampling are OpenTelemetry's own variables.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.base.errors import VigentError
from services.base.tracing.spans import TRACEPARENT, Attribute, Span

_CLOSE_S = 2.0
_W3C = TraceContextTextMapPropagator()


class OtlpTracer:
    """Makes the spans of one process."""

    def __init__(self, process: str) -> None:
        """`process` is what it calls itself, such as "tts"."""
        names = {
            "service.name": f"vigent-{process}",
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
        }
        self._provider = TracerProvider(resource=Resource.create(names), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("vigent")
        # Of a collector that is away it says something at each try; a line for each lost batch is enough.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)

    def begin(self, name: str, parent: str, kind: str, attributes: Mapping[str, Attribute]) -> Span:
        """See `spans.Tracer`."""
        context = _W3C.extract({TRACEPARENT: parent}) if parent else None
        return _TracedSpan(
            self._tracer.start_span(name, context, SpanKind[kind.upper()], _named(attributes), record_exception=False)
        )

    def close(self) -> None:
        """See `spans.Tracer`. The library would wait for half a minute."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_S)


class _TracedSpan(Span):
    def __init__(self, span: OtelSpan) -> None:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(span))
        super().__init__(carrier[TRACEPARENT])
        self._span = span

    def event(self, name: str, **attributes: Attribute) -> None:
        self._span.add_event(name, _named(attributes))

    def end(self, error: BaseException | None = None, at_ns: int | None = None, **attributes: Attribute) -> None:
        if not self._span.is_recording():
            return
        self._span.set_attributes(_named(attributes))
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if error is not None:
            kind = error.reason if isinstance(error, VigentError) and error.reason else type(error).__name__
            self._span.set_attribute("error.type", kind)
            self._span.set_status(StatusCode.ERROR, kind)  # not its text, which may quote what a user wrote
        self._span.end(at_ns)


def _named(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """As they are kept: those of ours have a prefix."""
    return {f"vigent.{name}": value for name, value in attributes.items()}
