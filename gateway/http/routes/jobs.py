"""Jobs: submit, look, cancel, delete, retry."""

from __future__ import annotations

import asyncio
from typing import Annotated, TypedDict

from fastapi import APIRouter, Header, Query, Request, Response

from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.films.view import JobPage, JobState, JobView, job_view, state_value
from gateway.http.access import caller_of
from gateway.http.context import GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from vigent.jobs.v1 import jobs_pb2

router = APIRouter(prefix="/api/v1/jobs", tags=["jobs"], responses=PROBLEM_RESPONSES)

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        description="A request repeated with its key returns the same job; 409 if the request differs.",
        max_length=200,
    ),
]


@router.post("", status_code=202, summary="Submit a job")
async def submit(
    request: FilmRequest, gateway: GatewayDep, asked: Request, response: Response, key: IdempotencyKey = ""
) -> JobView:
    """Submits a job. Follow it at `/events`; with an `Idempotency-Key` the request is safe to repeat."""
    spec = await asyncio.to_thread(resolve, request, gateway.library)
    submitted = await gateway.jobs.submit(spec, key, **_owner(asked))
    response.headers["Location"] = f"/api/v1/jobs/{submitted.job.id}"
    if submitted.existed:
        response.headers["Idempotent-Replayed"] = "true"
    return job_view(submitted.job)


class _Owner(TypedDict, total=False):
    owner: str
    weight: int
    most_unfinished: int


def _owner(request: Request) -> _Owner:
    """Whose job it will be; that of the mesh's own user unless there is a key."""
    caller = caller_of(request)
    if caller is None or caller.key is None:
        return {}
    return {"owner": caller.key.id, "weight": caller.key.weight, "most_unfinished": caller.key.unfinished_jobs or 0}


@router.get("", summary="List jobs")
async def list_jobs(
    gateway: GatewayDep,
    page_size: Annotated[int, Query(ge=1, le=100, description="Jobs per page.")] = 20,
    page_token: Annotated[str, Query(max_length=200, description="next_page_token of the previous page.")] = "",
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


@router.post("/{job_id}/cancel", summary="Cancel a job")
async def cancel_job(job_id: str, gateway: GatewayDep) -> JobView:
    """Cancels a queued or running job; finished parts are kept for a retry. A job that has ended stays as it is."""
    return job_view(await gateway.jobs.cancel(job_id))


@router.delete("/{job_id}", status_code=204, summary="Delete a job")
async def delete_job(job_id: str, gateway: GatewayDep) -> None:
    """Deletes a job that has ended. Refused (409) while it is queued or running: cancel it first."""
    await gateway.jobs.delete(job_id)
    await asyncio.to_thread(gateway.records.forget, job_id)
    if gateway.connectors is not None:
        await asyncio.to_thread(gateway.connectors.records.forget_job, job_id)


@router.post("/{job_id}/retry", status_code=202, summary="Retry a job")
async def retry_job(job_id: str, gateway: GatewayDep) -> JobView:
    """Resumes a failed or cancelled job where it stopped."""
    return job_view(await gateway.jobs.retry(job_id))
