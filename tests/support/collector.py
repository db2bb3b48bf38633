"""A collector of traces for tests: takes OTLP over HTTP on loopback and keeps the spans."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Kept:
    """A span as it came; ids in hexadecimal digits, `parent` empty for the first of a trace."""

    process: str
    name: str
    trace: str
    id: str
    parent: str
    begun_ns: int
    ended_ns: int
    attributes: Mapping[str, str]
    events: tuple[str, ...]
    failed: bool


@dataclass
class Collector:
    """What came so far."""

    url: str = ""
    spans: list[Kept] = field(default_factory=list)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def take(self, request: ExportTraceServiceRequest) -> None:
        with self._came:
            self.spans.extend(_kept(request))
            self._came.notify_all()

    def until(self, holds: Callable[[list[Kept]], bool]) -> list[Kept]:
        """The spans, once `holds` says so of them."""
        with self._came:
            assert self._came.wait_for(lambda: holds(self.spans), TIMEOUT_S), [span.name for span in self.spans]
            return list(self.spans)


def _kept(request: ExportTraceServiceRequest) -> Iterator[Kept]:
    for resource in request.resource_spans:
        process = next(pair.value.string_value for pair in resource.resource.attributes if pair.key == "service.name")
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            yield Kept(
                process=process,
                name=span.name,
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                begun_ns=span.start_time_unix_nano,
                ended_ns=span.end_time_unix_nano,
                attributes={pair.key: pair.value.string_value or str(pair.value.int_value) for pair in span.attributes},
                events=tuple(event.name for event in span.events),
                failed=span.status.code == Status.STATUS_CODE_ERROR,
            )


@contextmanager
def collecting(answer_s: float = 0.0) -> Iterator[Collector]:
    """A collector that listens, and answers after `answer_s`."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(answer_s)  # it is that slow
            collector.take(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
