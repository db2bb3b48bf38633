"""What a film would still need, asked for before it is ordered: as it is, with a sentence changed, and single takes."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from gateway.films.forecast import Forecast, forecast_view
from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.films.revision import Revision, RevisionRequest, changed, revision_view
from gateway.films.view import job_view
from gateway.http.context import GatewayDep
from gateway.http.files import file_response
from gateway.http.problems import PROBLEM_RESPONSES

router = APIRouter(prefix="/api/v1", tags=["jobs"], responses=PROBLEM_RESPONSES)


class TakeRequest(BaseModel):
    """Which sentence of which film."""

    model_config = ConfigDict(extra="forbid")

    request: FilmRequest = Field(description="What the film is made of; its segment_choices say which take.")
    segment: int = Field(description="Place of the sentence in the script, from 0.", ge=0, le=2**31 - 1)


@router.post("/forecast", summary="See what a film would still need")
async def forecast_film(request: FilmRequest, gateway: GatewayDep) -> Forecast:
    """Which sentences would be spoken, and which were spoken for films before: only what has changed is made again."""
    spec = await asyncio.to_thread(resolve, request, gateway.library)
    return forecast_view(await gateway.jobs.forecast(spec))


@router.post("/jobs/{job_id}/revision", summary="See what changing a sentence would take")
async def revise(job_id: str, change: RevisionRequest, gateway: GatewayDep) -> Revision:
    """The request of the film with one sentence changed, and how much of it would be made anew.

    Nothing is ordered: send its `request` to `/api/v1/jobs`. The sentences after the changed one keep their pictures.
    """
    made = changed(job_view(await gateway.jobs.get(job_id)), change)
    spec = await asyncio.to_thread(resolve, made.request, gateway.library)
    return revision_view(made, await gateway.jobs.forecast(spec, made.first))


@router.post(
    "/takes",
    summary="Hear a take of a sentence",
    response_class=Response,
    responses={200: {"description": "The take.", "content": {"audio/wav": {}}}},
)
async def speak_take(take: TakeRequest, gateway: GatewayDep, asked: Request) -> Response:
    """One sentence as the film would have it. A film that is ordered with this take does not speak it again.

    Its entity tag is the hash of the sound: takes of a voice that speaks alike each time have the same.
    """
    spec = await asyncio.to_thread(resolve, take.request, gateway.library)
    sha256 = await gateway.jobs.speak_segment(spec, take.segment)
    path = await asyncio.to_thread(gateway.store.path, sha256)
    return file_response(asked, path, etag=sha256, media_type="audio/wav")
