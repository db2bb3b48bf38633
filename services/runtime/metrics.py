"""Prometheus metrics of a model server. Worker gauges are computed from the progress records when scraped."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    make_wsgi_app,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.registry import Collector

from services.base.exits import port_error
from services.base.tracing.spans import present
from services.runtime.canary import RIGHT, UNANSWERED, WRONG
from services.runtime.worker.call import Call
from services.runtime.worker.worker import State, Worker

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for every counter, which nobody reads

REFUSALS = ("queue_full", "caller_left", "unavailable", "deadline")
DEATHS = ("crash", "stall", "memory", "oom", "load", "canary")

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_NEVER_S = 86_400.0  # between two looks whether the endpoint is to end: it ends with the process
_FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 0.8, 1, 1.25, 2, 5, 10, 50)


class ServerMetrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("service", "method")
        self._requests = self._counter("vigent_requests", "Calls by gRPC code.", (*labels, "code"))
        self._request_s = self._histogram("vigent_request_seconds", "From request to end of stream.", labels)
        self._first_chunk_s = self._histogram("vigent_first_chunk_seconds", "From request to first result.", labels)
        self._realtime_factor = self._histogram("vigent_realtime_factor", "Wall over media.", labels, _FACTORS)
        self._restarts = self._counter("vigent_worker_restarts", "Workers replaced.", ("service", "reason"))
        self._restarted = dict.fromkeys(DEATHS, 0)
        self._refused = self._counter("vigent_admission_refused", "Calls without a slot.", ("service", "reason"))
        self._canaries = self._counter("vigent_canaries", "Tries of an idle engine.", ("service", "outcome"))
        outcomes = (RIGHT, WRONG, UNANSWERED)
        for counter, reasons in ((self._restarts, DEATHS), (self._refused, REFUSALS), (self._canaries, outcomes)):
            for reason in reasons:
                counter.labels(service, reason)  # starts at 0, so that the first one shows as a change

    def watch(self, worker: Worker) -> None:
        """Adds the gauges of the worker."""
        self.registry.register(_WorkerCollector(self.service, worker))

    def serve(self, host: str, port: int) -> int:
        """Starts the scrape endpoint on a thread; returns its port. Raises what `port_error` makes of one in use."""
        try:
            return _serve_scrapes(host, port, self.registry)
        except OSError as error:
            problem = f"The metrics port {host}:{port} cannot be opened: {error.strerror}."
            remedy = f"Set VIGENT_{self.service.upper()}_METRICS_PORT to a free port."
            raise port_error(problem, remedy, "metrics_port", error) from error

    def request_ended(self, method: str, code: str, seconds: float) -> None:
        """Counts an ended RPC."""
        self._requests.labels(self.service, method, code).inc()
        self._request_s.labels(self.service, method).observe(seconds, present().ids or None)

    def call_ended(self, call: Call, started_s: float) -> None:
        """Records how fast a call on the worker was."""
        method = call.method.title().replace("_", "")  # the name of the RPC: "synthesize" is Synthesize
        if call.first_event_s is not None:
            first_chunk_s = call.first_event_s - started_s
            self._first_chunk_s.labels(self.service, method).observe(first_chunk_s, call.span.ids or None)
        if call.media_s > 0:
            factor = (time.monotonic() - started_s) / call.media_s
            self._realtime_factor.labels(self.service, method).observe(factor, call.span.ids or None)

    def canary_ended(self, outcome: str) -> None:
        """Counts a try of the idle engine; `outcome` is RIGHT, WRONG or UNANSWERED."""
        self._canaries.labels(self.service, outcome).inc()

    def refused(self, reason: str) -> None:
        """Counts a call that got no slot; `reason` is one of REFUSALS."""
        self._refused.labels(self.service, reason).inc()

    def restarted(self, reason: str) -> None:
        """Counts a replaced worker; `reason` is one of DEATHS."""
        self._restarts.labels(self.service, reason).inc()
        self._restarted[reason] += 1

    def restarts(self) -> dict[str, int]:
        """How many workers were replaced, by reason."""
        return dict(self._restarted)

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, labels: tuple[str, ...], buckets: tuple[float, ...] = _SECONDS
    ) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nobody reads a line for each scrape."""


def _serve_scrapes(host: str, port: int, registry: CollectorRegistry) -> int:
    """Like the library's `start_http_server`, whose thread wakes twice a second; returns the port."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    kind: type[ThreadingWSGIServer] = type("_Server", (ThreadingWSGIServer,), {"address_family": family})
    server = make_server(host, port, make_wsgi_app(registry), kind, _SilentHandler)
    threading.Thread(target=server.serve_forever, args=(_NEVER_S,), name="scrapes", daemon=True).start()
    return int(server.server_port)


class _WorkerCollector(Collector):
    def __init__(self, service: str, worker: Worker) -> None:
        self._service, self._worker = service, worker

    def collect(self) -> Iterable[Metric]:
        worker, service, present = self._worker, [self._service], self._worker.state
        progress = worker.progress()
        age_s = progress.age_s  # not a time: the clock of whoever scrapes may be another
        yield _gauge("vigent_worker_progress_age_seconds", "Work since the last unit, or idle time.", service, age_s)
        budget_s = progress.budget_s
        yield _gauge("vigent_worker_stall_budget_seconds", "Time without a unit that is a hang.", service, budget_s)
        yield _gauge("vigent_worker_active_requests", "Calls that the engine works on.", service, len(worker.calls))
        yield _gauge("vigent_queue_depth", "Calls that wait for a slot.", service, worker.admission.queue_depth)
        yield from self._memory()
        yield from self._load()
        states = GaugeMetricFamily("vigent_worker_state", "1 for the present state.", labels=["service", "state"])
        for state in State:
            states.add_metric([self._service, state.value], float(state is present))
        yield states
        units = CounterMetricFamily("vigent_worker_units", "Finished units of work.", labels=["service", "phase"])
        for phase, count in worker.units.total().items():
            units.add_metric([self._service, phase], count)
        yield units

    def _memory(self) -> Iterable[Metric]:
        """Nothing while there is no worker: 0 would be wrong."""
        process, service = self._worker.process, [self._service]
        if process is not None and not process.exited.done():
            reserved, used = process.device_memory
            yield _gauge("vigent_device_memory_bytes", "Device memory reserved.", service, reserved)
            yield _gauge("vigent_device_memory_used_bytes", "Device memory in use.", service, used)
            resident = process.resident_bytes()
            yield _gauge("vigent_worker_resident_memory_bytes", "Resident memory of the worker.", service, resident)

    def _load(self) -> Iterable[Metric]:
        labels = ("service", "engine", "stage")
        seconds = GaugeMetricFamily("vigent_engine_load_seconds", "Time of loading the engine.", labels=labels)
        for stage, stage_s in self._worker.stage_s.items():
            seconds.add_metric([self._service, self._worker.engine, stage], stage_s)
        yield seconds
        problems = GaugeMetricFamily("vigent_engine_problem", "1: it cannot be loaded.", labels=["service", "reason"])
        if (problem := self._worker.problem) is not None:
            problems.add_metric([self._service, problem.reason], 1)
        yield problems
        stand_ins = GaugeMetricFamily("vigent_engine_stands_in", "1: for one not installed.", labels=labels[:2])
        if self._worker.missing:
            stand_ins.add_metric([self._service, self._worker.engine], 1)
        yield stand_ins
        doubt = float(bool(self._worker.doubt))
        yield _gauge("vigent_worker_distrusted", "1: it gave wrong results.", [self._service], doubt)


def _gauge(name: str, text: str, labels: list[str], value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=["service"])
    family.add_metric(labels, value)
    return family
