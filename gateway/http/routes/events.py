"""What happens to a job, as server-sent events that can be resumed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from gateway.films.view import JobEventView, event_view
from gateway.http.context import GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES, problem_response
from orchestrator.client import ENDED_STATES
from services.base.errors import InvalidInputError, VigentError
from vigent.jobs.v1 import jobs_pb2

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=PROBLEM_RESPONSES)

_RETRY_MS = 1_000
_LARGEST_EVENT_ID = 2**63 - 1
_EVENT = JobEventView.model_json_schema(ref_template="#/components/schemas/{model}")  # all of which are defined there
_EVENT.pop("$defs")
_EXAMPLE = 'id: 7\ndata: {"id":7,"time":"2026-01-01T12:00:00Z","state":"running","progress":{"stage":"segments"}}\n\n'


@router.get(
    "/{job_id}/events",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events with ids, comments while nothing happens, and a last event: `end`, or `problem` if "
            "the orchestrator is lost. Resume a stream that ends without either.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string", "contentMediaType": "application/json", "contentSchema": _EVENT},
                    "example": _EXAMPLE,
                }
            },
        },
        204: {"description": "The job has ended and there is nothing new; an EventSource stops reconnecting."},
    },
)
async def follow_job(
    job_id: str,
    request: Request,
    gateway: GatewayDep,
    last_event_id: Annotated[
        str, Header(alias="Last-Event-ID", description="Id of the last event received.", max_length=20)
    ] = "0",
) -> Response:
    """Streams every event after `Last-Event-ID`, until the job ends."""
    after = _event_id(last_event_id)
    ended = (await gateway.jobs.get(job_id)).state in ENDED_STATES
    events = gateway.jobs.watch(job_id, after)
    if ended:
        first = await anext(events, None)
        if first is None:
            return Response(status_code=204)
        events = _chained(first, events)
    body = _body(request, events, gateway.settings.waits.heartbeat_s, gateway.stopping)
    return StreamingResponse(body, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _event_id(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_EVENT_ID:
        raise InvalidInputError(f"{text!r} is not an event id.", "Give the id of an event.", "Last-Event-ID")
    return int(text)


async def _chained(
    first: jobs_pb2.JobEvent, rest: AsyncGenerator[jobs_pb2.JobEvent, None]
) -> AsyncGenerator[jobs_pb2.JobEvent, None]:
    yield first
    async for event in rest:
        yield event


async def _body(
    request: Request,
    events: AsyncGenerator[jobs_pb2.JobEvent, None],
    heartbeat_s: float,
    stopping: asyncio.Event,
) -> AsyncGenerator[bytes, None]:
    yield format_sse_event(retry=_RETRY_MS)
    stop = asyncio.ensure_future(stopping.wait())
    waiting = asyncio.ensure_future(anext(events, None))
    try:
        while not stopping.is_set():
            done, _ = await asyncio.wait({waiting, stop}, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                yield format_sse_event(comment="still here")
            elif waiting in done:
                if (event := waiting.result()) is None:
                    yield format_sse_event(event="end", data_str="{}")
                    return
                yield format_sse_event(id=str(event.id), data_str=event_view(event).model_dump_json())
                waiting = asyncio.ensure_future(anext(events, None))
    except VigentError as error:
        yield format_sse_event(event="problem", data_str=bytes(problem_response(request, error).body).decode())
    finally:
        for task in (waiting, stop):
            task.cancel()
        await asyncio.wait({waiting, stop})
        await events.aclose()
