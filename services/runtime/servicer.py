"""vigent.runtime.v1: a server's engine and its state, from the same records as health and metrics."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import psutil

from services.base.settings import ServerSettings
from services.runtime.metrics import ServerMetrics
from services.runtime.worker.worker import WRONG_RESULTS, State, Worker
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_STATES = {state: getattr(runtime_pb2, f"WORKER_STATE_{state.name}") for state in State}


class RuntimeServicer(runtime_pb2_grpc.RuntimeServiceServicer):
    """Serves vigent.runtime.v1.RuntimeService for the service whose engine is in `worker`."""

    def __init__(
        self,
        service: str,
        worker: Worker,
        settings: ServerSettings,
        metrics: ServerMetrics,
        identity: Callable[[], str],
    ) -> None:
        """`service` is the full name; `identity` returns the loaded engine's, as `engine_identity` makes it."""
        self._service, self._worker, self._settings = service, worker, settings
        self._metrics, self._identity = metrics, identity

    async def Describe(self, request: runtime_pb2.DescribeRequest, context: _Context) -> runtime_pb2.DescribeResponse:
        """The engine that is loaded, or will be."""
        settings, capabilities = self._settings, self._worker.attributes.get("capabilities")
        return runtime_pb2.DescribeResponse(
            service=self._service,
            engine=self._worker.engine,
            identity=self._identity(),
            device=settings.device,
            checkpoint=_name_of(self._worker.engine_settings.checkpoint),
            capabilities=runtime_pb2.Capabilities(**asdict(capabilities)) if capabilities else None,
            slots=settings.slots,
            queue_limit=settings.queue_limit,
            fallback_reason=self._worker.missing,
            choice_reason=self._worker.why,
        )

    async def GetStatus(
        self, request: runtime_pb2.GetStatusRequest, context: _Context
    ) -> runtime_pb2.GetStatusResponse:
        """The worker as it is now."""
        worker = self._worker
        progress = worker.progress()
        present = worker.process if worker.process and not worker.process.exited.done() else None
        return runtime_pb2.GetStatusResponse(
            state=_STATES[worker.state],
            stalled=bool(worker.calls) and progress.age_s > progress.budget_s,
            progress_age_ms=round(progress.age_s * 1000),
            stall_budget_ms=round(progress.budget_s * 1000),
            active_requests=len(worker.calls),
            queue_depth=worker.admission.queue_depth,
            units_done=dict(worker.units.total()),
            restarts=self._metrics.restarts(),
            problem=str(worker.problem or worker.doubt),
            problem_reason=worker.problem.reason if worker.problem else WRONG_RESULTS if worker.doubt else "",
            resident_memory_bytes=resident_memory_bytes(),
            worker_resident_memory_bytes=present.resident_bytes() if present else 0,
            device_memory_bytes=present.device_memory[0] if present else 0,
        )


def resident_memory_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process(os.getpid()).memory_info().rss)


def _name_of(checkpoint: Path | None) -> str:
    return checkpoint.name if checkpoint else ""
