"""Publishing by hand: what platforms take, texts and covers of a work, packs, and where it was posted."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from gateway.http.context import Gateway, GatewayDep
from gateway.http.files import file_response
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.publishing.checklist import Language
from gateway.publishing.pack import Work
from gateway.publishing.platforms import BY_ID, PLATFORMS, PlatformId
from gateway.publishing.records import Draft, NewPost, Record
from gateway.publishing.rules import FILM
from gateway.publishing.view import Platforms, Publication, publication, suggested
from services.base.errors import FailedPreconditionError, NotFoundError
from services.media.store import recipe_key
from vigent.jobs.v1 import jobs_pb2

router = APIRouter(prefix="/api/v1", tags=["publishing"], responses=PROBLEM_RESPONSES)

_JPEG, _ZIP = "image/jpeg", "application/zip"


@router.get("/platforms", summary="List platforms")
async def list_platforms() -> Platforms:
    """What each platform takes: the one table that checks, packs and the studio go by."""
    return Platforms(items=list(PLATFORMS))


@router.get("/jobs/{job_id}/publication", summary="Look at how a film is published")
async def get_publication(job_id: str, gateway: GatewayDep) -> Publication:
    """Texts, cover, posts, and the rules of every platform held against them. Refused (409) before the film is done."""
    job = await finished(gateway, job_id)
    return publication(job, await asyncio.to_thread(gateway.records.read, job_id))


@router.put("/jobs/{job_id}/publication", summary="Write how a film is published")
async def put_publication(job_id: str, draft: Draft, gateway: GatewayDep) -> Publication:
    """Keeps texts and cover with the job, and answers with what the rules of every platform say of them."""
    job = await finished(gateway, job_id)
    return publication(job, await asyncio.to_thread(gateway.records.draft, job_id, draft))


@router.post("/jobs/{job_id}/posts", status_code=201, summary="Tell where a film was posted")
async def add_post(job_id: str, post: NewPost, gateway: GatewayDep) -> Publication:
    """Keeps the address of a post with the job; the same one again changes nothing."""
    job = await finished(gateway, job_id)
    return publication(job, await asyncio.to_thread(gateway.records.post, job_id, post))


@router.delete("/jobs/{job_id}/posts/{post_id}", summary="Forget a post")
async def delete_post(job_id: str, post_id: str, gateway: GatewayDep) -> Publication:
    """Forgets where the film was posted; the post itself stays where it is."""
    job = await finished(gateway, job_id)
    return publication(job, await asyncio.to_thread(gateway.records.unpost, job_id, post_id))


@router.get(
    "/jobs/{job_id}/covers/{platform}",
    summary="Fetch a cover",
    response_class=Response,
    responses={200: {"description": "The cover.", "content": {_JPEG: {}}}},
)
async def fetch_cover(
    job_id: str,
    platform: PlatformId,
    request: Request,
    gateway: GatewayDep,
    frame: Annotated[int | None, Query(ge=0, description="Film frame; the film's own choice when left out.")] = None,
    size: Annotated[int, Query(ge=0, le=9, description="Which of the platform's covers, from 0.")] = 0,
) -> Response:
    """A frame of the film in the size of the platform, cropped around the face."""
    sizes = BY_ID[platform].covers
    if size >= len(sizes):
        raise NotFoundError(f"{platform} has {len(sizes)} covers.", "They are counted from 0.", "size")
    work = Work(await finished(gateway, job_id), Draft(cover_frame=frame))
    stored = await asyncio.to_thread(gateway.packer.cover, work, sizes[size])
    path = await asyncio.to_thread(gateway.store.path, stored.sha256)
    return file_response(request, path, etag=stored.sha256, media_type=_JPEG)


@router.get(
    "/jobs/{job_id}/packs/{platform}",
    summary="Fetch all that a platform needs",
    response_class=Response,
    responses={200: {"description": "The pack.", "content": {_ZIP: {}}}},
)
async def fetch_pack(
    job_id: str,
    platform: PlatformId,
    request: Request,
    gateway: GatewayDep,
    language: Annotated[Language, Query(description="Language of the checklist.")] = "en",
) -> Response:
    """One zip: the film as the platform takes it, covers in its sizes, texts, captions, and a checklist.

    What breaks a rule of the platform stands first in the checklist.
    """
    work = await _work(gateway, job_id)
    name = f"{work.job.spec.title.strip() or work.job.id}-{platform}.zip".replace("/", "_")
    return await asyncio.to_thread(_packed, gateway, request, work, platform, language, name)


def _packed(
    gateway: Gateway, request: Request, work: Work, platform: PlatformId, language: Language, name: str
) -> Response:
    """The response has the file open before its name is gone."""
    tag = recipe_key("pack", work.job.outputs[FILM].sha256, work.draft.model_dump_json(), platform, language)
    with gateway.packer.pack(work, BY_ID[platform], language) as path:
        return file_response(request, path, etag=tag, media_type=_ZIP, file_name=name, attachment=True)


async def _work(gateway: Gateway, job_id: str) -> Work:
    job = await finished(gateway, job_id)
    record: Record = await asyncio.to_thread(gateway.records.read, job_id)
    return Work(job, record.draft or suggested(job))


async def finished(gateway: Gateway, job_id: str) -> jobs_pb2.Job:
    """The job. Raises FailedPreconditionError (NOT_READY) while it has no film."""
    job = await gateway.jobs.get(job_id)
    if FILM not in job.outputs:
        remedy = "Follow the job's events and ask again."
        raise FailedPreconditionError("The job has no film yet.", remedy, "job_id", "NOT_READY")
    return job
