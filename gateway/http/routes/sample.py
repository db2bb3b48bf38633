"""What a film would look like, before it is made."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response

from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.http.context import GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES

router = APIRouter(prefix="/api/v1/sample", tags=["jobs"], responses=PROBLEM_RESPONSES)


@router.post(
    "",
    summary="See what a film would look like",
    response_class=Response,
    responses={200: {"description": "A frame.", "content": {"image/jpeg": {}}}},
)
async def draw_sample(request: FilmRequest, gateway: GatewayDep) -> Response:
    """A frame of the first sentence in the film's size, with caption, title and label by the film's own engine.

    Lips are not synced. The first sample with a presenter takes as long as looking at the footage does.
    """
    spec = await asyncio.to_thread(resolve, request, gateway.library)
    return Response(await gateway.jobs.sample(spec), media_type="image/jpeg", headers={"Cache-Control": "no-store"})
