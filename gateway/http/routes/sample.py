"""What a film would look like, before it is made."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field

from gateway.films.preflight import Preflight, preflight_view
from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.library.assets import StyleRole
from services.base.errors import InvalidInputError
from services.typography.styles import LARGEST_STYLE_BYTES, parse_style
from vigent.jobs.v1 import jobs_pb2

router = APIRouter(prefix="/api/v1", tags=["jobs"], responses=PROBLEM_RESPONSES)


class SampleRequest(FilmRequest):
    """What a film is made of, and styles that are not in the library yet."""

    drafts: dict[StyleRole, dict[str, Any]] = Field(
        {}, description="Styles to draw with in place of those that are named, by role, as their files have them."
    )


@router.post(
    "/sample",
    summary="See what a film would look like",
    response_class=Response,
    responses={200: {"description": "A frame, or the sentence.", "content": {"image/jpeg": {}, "video/mp4": {}}}},
)
async def draw_sample(
    request: SampleRequest,
    gateway: GatewayDep,
    moving: Annotated[bool, Query(description="Whether the sentence moves, its words lit in turn.")] = False,
) -> Response:
    """A frame of the first sentence in the film's size, with caption, title and label by the film's own engine.

    `moving` gives at most five seconds of it without sound. Lips are not synced. The first sample with a presenter
    takes as long as looking at the footage does.
    """
    spec = await asyncio.to_thread(resolve, request, gateway.library)
    await asyncio.to_thread(_add_drafts, spec, request, gateway)
    drawn = await gateway.jobs.sample(spec, moving=moving)
    media_type = "video/mp4" if moving else "image/jpeg"
    return Response(drawn, media_type=media_type, headers={"Cache-Control": "no-store"})


@router.post("/preflight", summary="See what there is in footage")
async def look_at_footage(request: FilmRequest, gateway: GatewayDep) -> Preflight:
    """Where the face is in the footage as the film would have it, and what to do better before a film is made."""
    spec = await asyncio.to_thread(resolve, request, gateway.library)
    return preflight_view(await gateway.jobs.look_at_footage(spec))


def _add_drafts(spec: jobs_pb2.JobSpec, request: SampleRequest, gateway: Gateway) -> None:
    """Raises InvalidInputError for a draft that is no style, naming its key."""
    for role, style in request.drafts.items():
        field = f"drafts.{role}"
        text = json.dumps(style, ensure_ascii=False, sort_keys=True)
        if len(text) > LARGEST_STYLE_BYTES:
            raise InvalidInputError("The style is larger than 64 KiB.", "Send one style.", field, "FILE_TOO_LARGE")
        parse_style(text, field)
        stored = gateway.store.put_bytes(text.encode(), "application/json")
        setattr(spec, "caption_style" if role == "subtitle" else "title_style", stored.sha256)
