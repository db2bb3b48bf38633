"""vigent.runtime.v1 of an orchestrator, which has jobs in the place of an engine."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias

import grpc

from orchestrator.jobs.records import JobRecords
from orchestrator.jobs.room import DiskRoom
from services.base.errors import ExhaustedError, UnavailableError, VigentError
from services.runtime.servicer import resident_memory_bytes
from vigent.jobs.v1 import jobs_pb2
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class JobStatusServicer(runtime_pb2_grpc.RuntimeServiceServicer):
    """Active requests are the jobs that are being made, the queue those that wait; of all orchestrators together."""

    def __init__(self, service: str, records: JobRecords, room: DiskRoom) -> None:
        """`service` is the full name; without `room` no job is taken."""
        self._service, self._records, self._room = service, records, room

    async def Describe(  # noqa: N802
        self, _request: runtime_pb2.DescribeRequest, _context: _Context
    ) -> runtime_pb2.DescribeResponse:
        """It has no engine."""
        return runtime_pb2.DescribeResponse(service=self._service)

    async def GetStatus(  # noqa: N802
        self, _request: runtime_pb2.GetStatusRequest, _context: _Context
    ) -> runtime_pb2.GetStatusResponse:
        """Counts of jobs, memory, and as its problem why it takes none now: the database, or the disk."""
        counts, problem = await asyncio.to_thread(self._look)
        return runtime_pb2.GetStatusResponse(
            problem=str(problem or ""),
            problem_reason=problem.reason if problem else "",
            active_requests=counts.get(jobs_pb2.JOB_STATE_RUNNING, 0),
            queue_depth=counts.get(jobs_pb2.JOB_STATE_QUEUED, 0),
            resident_memory_bytes=resident_memory_bytes(),
        )

    def _look(self) -> tuple[dict[int, int], VigentError | None]:
        counts: dict[int, int] = {}
        try:
            counts = self._records.count_by_state()
            self._room.require()
        except (UnavailableError, ExhaustedError) as error:
            return counts, error
        return counts, None
