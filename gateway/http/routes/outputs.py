"""What a job has made: film, preview, captions, cover, report."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from gateway.films.view import OUTPUTS
from gateway.http.context import Gateway, GatewayDep
from gateway.http.files import file_response
from gateway.http.problems import PROBLEM_RESPONSES, Problem
from services.base.errors import NotFoundError
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

router = APIRouter(prefix="/api/v1/jobs", tags=["outputs"], responses=PROBLEM_RESPONSES)

FILM, PREVIEW = "film.mp4", "preview.mp4"
_MIME_TYPES = {
    ".mp4": "video/mp4",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".ass": "text/x-ssa",
    ".jpg": "image/jpeg",
    ".json": "application/json",
}


def _documented(*mime_types: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"}
    content = {mime_type: {"schema": schema} for mime_type in mime_types}
    return {
        200: {"description": "The file.", "content": content},
        206: {"description": "The requested ranges.", "content": content},
        304: {"description": "The client has the current file."},
        412: {"model": Problem, "description": "The file is no longer the one that `If-Match` names."},
        416: {"description": "The requested range lies beyond the end of the file."},
    }


@router.head("/{job_id}/preview", include_in_schema=False)
@router.get(
    "/{job_id}/preview",
    summary="Watch what is finished",
    response_class=Response,
    responses=_documented(_MIME_TYPES[".mp4"]),
)
async def preview(job_id: str, request: Request, gateway: GatewayDep) -> Response:
    """The finished beginning of the film; the whole film once it is done. Accepts ranges."""
    try:
        return await _watchable(gateway, request, job_id)
    except NotFoundError:  # a longer preview, or the film, may have taken its place in this moment
        return await _watchable(gateway, request, job_id)


async def _watchable(gateway: Gateway, request: Request, job_id: str) -> Response:
    job = await gateway.jobs.get(job_id)
    return await _output(gateway, request, job, FILM if FILM in job.outputs else PREVIEW)


@router.head("/{job_id}/{output}", include_in_schema=False)
@router.get(
    "/{job_id}/{output}",
    summary="Fetch an output",
    response_class=Response,
    responses=_documented(*_MIME_TYPES.values()),
)
async def fetch_output(
    job_id: str,
    output: Annotated[str, Path(json_schema_extra={"enum": list(OUTPUTS)})],
    request: Request,
    gateway: GatewayDep,
    download: Annotated[bool, Query(description="Whether a browser should save it rather than show it.")] = False,
) -> Response:
    """A finished file of the job. Accepts ranges, `If-Match` and `If-None-Match`."""
    if output not in OUTPUTS:
        remedy = f"Its outputs are {', '.join(OUTPUTS)}."
        raise NotFoundError(f"A job has no output {output[:40]!r}.", remedy, "output", "UNKNOWN_OUTPUT")
    return await _output(gateway, request, await gateway.jobs.get(job_id), output, attachment=download)


async def _output(
    gateway: Gateway, request: Request, job: jobs_pb2.Job, name: str, *, attachment: bool = False
) -> Response:
    if name not in job.outputs:
        raise NotFoundError(f"The job has no {name} yet.", "Follow the job's events and ask again.", reason="NOT_READY")
    ref: media_pb2.MediaRef = job.outputs[name]
    path = await asyncio.to_thread(gateway.store.path, ref.sha256)
    suffix = f".{name.rpartition('.')[2]}"
    stem = job.spec.title.strip() or job.id
    return file_response(
        request,
        path,
        etag=ref.sha256,
        media_type=_MIME_TYPES[suffix],
        file_name=f"{stem}{suffix}".replace("/", "_"),
        attachment=attachment,
    )
