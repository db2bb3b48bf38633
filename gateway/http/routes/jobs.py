"""Jobs: submit, look, cancel, delete, retry."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from gateway.films.view import JobPage, JobRequest, JobState, JobView, consent_message, job_view, spec_of, state_value
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.library.assets import Kind, Style, StyleRole, Voice
from orchestrator.client import ENDED_STATES
from services.base.errors import InvalidInputError, NotFoundError
from services.media.store import media_ref
from services.typography.fonts import is_content_hash
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=PROBLEM_RESPONSES)

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="The same key means the same job as long as that is kept; 409 with another request.",
        max_length=200,
    ),
]


@router.post("", status_code=202, summary="Submit a job")
async def submit(request: JobRequest, gateway: GatewayDep, response: Response, key: IdempotencyKey = "") -> JobView:
    """Takes a job. Follow it at `/events`; `Idempotency-Key` makes repeating the request safe."""
    submitted = await gateway.jobs.submit(await _spec(gateway, request), key)
    response.headers["Location"] = f"/api/v1/jobs/{submitted.job.id}"
    if submitted.existed:
        response.headers["Idempotent-Replayed"] = "true"
    return job_view(submitted.job)


@router.get("", summary="List jobs")
async def list_jobs(
    gateway: GatewayDep,
    page_size: Annotated[int, Query(ge=1, le=100, description="Jobs a page.")] = 20,
    page_token: Annotated[str, Query(max_length=200, description="next_page_token of the page before.")] = "",
    state: Annotated[JobState | None, Query(description="Only jobs in this state.")] = None,
) -> JobPage:
    """Lists jobs, newest first."""
    wanted = jobs_pb2.JOB_STATE_UNSPECIFIED if state is None else state_value(state)
    page = await gateway.jobs.list_page(page_size, page_token, wanted)
    return JobPage(jobs=[job_view(job) for job in page.jobs], next_page_token=page.next_page_token)


@router.get("/{job_id}", summary="Look at a job")
async def get_job(job_id: str, gateway: GatewayDep) -> JobView:
    """The job as it is now."""
    return job_view(await gateway.jobs.get(job_id))


@router.delete("/{job_id}", summary="Cancel or delete a job", responses={204: {"description": "It is deleted."}})
async def delete_job(job_id: str, gateway: GatewayDep) -> Response:
    """Cancels a job that waits or runs (200; what is finished is kept for a retry), deletes an ended one (204)."""
    job = await gateway.jobs.get(job_id)
    if job.state not in ENDED_STATES:
        cancelled = job_view(await gateway.jobs.cancel(job_id))
        return Response(cancelled.model_dump_json(), media_type="application/json")
    await gateway.jobs.delete(job_id)
    return Response(status_code=204)


@router.post("/{job_id}/retry", status_code=202, summary="Retry a job")
async def retry_job(job_id: str, gateway: GatewayDep) -> JobView:
    """Runs a failed or cancelled job again from where it stopped."""
    return job_view(await gateway.jobs.retry(job_id))


async def _spec(gateway: Gateway, request: JobRequest) -> jobs_pb2.JobSpec:
    footage = await _reference(gateway, "footage", request.footage, "footage")
    music = None if request.music is None else await _reference(gateway, "music", request.music, "music")
    await _check_style(gateway, request.caption_style, "subtitle", "caption_style")
    await _check_style(gateway, request.title_style, "title", "title_style")
    spec = spec_of(request, footage, music)
    voices = {voice.id: voice for voice in await asyncio.to_thread(gateway.library.entries, "voices")}
    if isinstance(voice := voices.get(request.voice), Voice):
        spec.voice = ""
        spec.reference_audio.CopyFrom(await _reference(gateway, "voices", voice.id, "voice"))
        spec.reference_text = voice.reference_text
        spec.reference_language = voice.languages[0] if voice.languages else ""
        spec.consent.CopyFrom(consent_message(voice.consent))
    return spec


async def _check_style(gateway: Gateway, style_id: str, role: StyleRole, field: str) -> None:
    """Refuses an upload that is not in the library or is for something else; the orchestrator knows bundled styles."""
    if not is_content_hash(style_id):
        return
    try:
        style = await asyncio.to_thread(gateway.library.find, "styles", style_id)
    except NotFoundError as error:
        raise InvalidInputError(error.problem, error.remedy, field, f"UNKNOWN_{field.upper()}") from error
    if isinstance(style, Style) and style.role != role:
        problem = f"{style.name} is a {style.role} style."
        raise InvalidInputError(problem, f"Choose a {role} style.", field, "WRONG_STYLE_ROLE")


async def _reference(gateway: Gateway, kind: Kind, asset_id: str, field: str) -> media_pb2.MediaRef:
    try:
        return media_ref(await asyncio.to_thread(gateway.library.stored, kind, asset_id))
    except NotFoundError as error:
        raise InvalidInputError(error.problem, error.remedy, field, f"UNKNOWN_{field.upper()}") from error
