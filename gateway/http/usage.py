"""Whether a style, or a job that has not ended, uses what is about to be deleted."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gateway.http.context import Gateway
from gateway.library.assets import Kind, Style
from gateway.library.library import Library
from services.base.errors import FailedPreconditionError, VigentError
from services.media.store import MediaStore
from services.typography.styles import StyleKind, load_style
from vigent.jobs.v1 import jobs_pb2

_MOST_NAMED = 5


async def refuse_while_used(gateway: Gateway, kind: Kind, asset_id: str) -> None:
    """Raises FailedPreconditionError naming what uses it, or UnavailableError when that cannot be known."""
    if kind == "fonts" and (names := await asyncio.to_thread(_styles_in, gateway.library, asset_id)):
        users = ", ".join(names[:_MOST_NAMED])
        raise _in_use(f"These styles use it: {users}.", "Delete them first.")
    for state in (jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING):
        async for job in gateway.jobs.list_all(state):
            if asset_id in await asyncio.to_thread(_used_by, gateway.store, job.spec, kind):
                raise _in_use(f"The job {job.id} uses it.", "Wait for the job, or cancel it.")


async def is_of_a_job(gateway: Gateway, sha256: str) -> bool:
    """Whether a job made this content, even if it was also uploaded. Raises UnavailableError if that is unknown."""
    async for job in gateway.jobs.list_all():
        if any(output.sha256 == sha256 for output in job.outputs.values()):
            return True
    return False


def _styles_in(library: Library, font_id: str) -> list[str]:
    """Names of the styles that are written in a font."""
    styles = [style for style in library.entries("styles") if isinstance(style, Style)]
    return [style.name for style in styles if style.style["font"]["id"] == font_id]


def _used_by(store: MediaStore, spec: jobs_pb2.JobSpec, kind: Kind) -> set[str]:
    match kind:
        case "footage":
            return {spec.footage.sha256}
        case "voices":
            return {spec.reference_audio.sha256}
        case "music":
            return {spec.music.sha256}
        case "styles":
            return {spec.caption_style, spec.title_style}
        case "fonts":
            return {
                *_font_of("subtitle", spec.caption_style, store),
                *_font_of("title", spec.title_style, store),
            }


def _font_of(kind: StyleKind, style_id: str, store: MediaStore) -> set[str]:
    """The font of a job's style, which need not be in the library; empty if the style is already gone."""
    with suppress(VigentError):
        return {load_style(kind, style_id, store)["font"]["id"]}
    return set()


def _in_use(problem: str, remedy: str) -> FailedPreconditionError:
    return FailedPreconditionError(problem, remedy, "id", "IN_USE")
