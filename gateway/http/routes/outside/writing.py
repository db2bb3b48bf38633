"""A writing model at the script editor, where the gateway's settings name one."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel, Field

from gateway.http.context import GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES, problem_response
from gateway.writing.prompts import TASKS, Task, WritingRequest
from services.base.errors import VigentError

router = APIRouter(prefix="/api/v1/writing", tags=["writing"], responses=PROBLEM_RESPONSES)

_EXAMPLE = 'data: {"text":"Hello "}\n\ndata: {"text":"everybody."}\n\nevent: end\ndata: {}\n\n'


class Writing(BaseModel):
    """What the gateway can write."""

    tasks: list[Task] = Field(description="What can be asked of the writing model; empty where there is none.")
    model: str = Field(description="Its name; empty where there is none.")


@router.get("", summary="See whether there is a writing model")
async def writing(gateway: GatewayDep) -> Writing:
    """What can be written here. Without `VIGENT_GATEWAY_WRITER_URL` and `_MODEL` there is nothing."""
    there = gateway.writer.is_there
    return Writing(tasks=list(TASKS) if there else [], model=gateway.settings.writer_model if there else "")


@router.post(
    "",
    summary="Write",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "The words as they come, then a last event: `end`, or `problem` when it broke off.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        }
    },
)
async def write(request: WritingRequest, gateway: GatewayDep, asked: Request) -> StreamingResponse:
    """Drafts, shortens, translates or rewrites a script. Whoever leaves ends the model's work."""
    words = gateway.writer.written(request)
    first = await anext(words, None)  # what goes wrong before it can still fail the request
    return StreamingResponse(_events(asked, first, words), media_type="text/event-stream")


async def _events(request: Request, first: str | None, words: AsyncGenerator[str, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(words):
        try:
            if first is not None:
                yield _told(first)
            async for word in words:
                yield _told(word)
            yield format_sse_event(event="end", data_str="{}")
        except VigentError as error:
            yield format_sse_event(event="problem", data_str=bytes(problem_response(request, error).body).decode())


def _told(text: str) -> bytes:
    return format_sse_event(data_str=json.dumps({"text": text}))
