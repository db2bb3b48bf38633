"""Whether a job that is not ended uses what is about to be deleted."""

from __future__ import annotations

from gateway.context import Gateway
from gateway.library.assets import Kind, Style
from gateway.library.library import Library
from services.runtime.errors import FailedPreconditionError
from vigent.jobs.v1 import jobs_pb2


async def refuse_while_used(gateway: Gateway, kind: Kind, asset_id: str) -> None:
    """Raises FailedPreconditionError naming who uses it, or UnavailableError when nobody can tell."""
    for state in (jobs_pb2.JOB_STATE_QUEUED, jobs_pb2.JOB_STATE_RUNNING):
        async for job in gateway.jobs.list_all(state):
            if asset_id in _used_by(gateway.library, job.spec, kind):
                raise _in_use(f"job {job.id}", "Wait for the job, or cancel it.")


def _used_by(library: Library, spec: jobs_pb2.JobSpec, kind: Kind) -> set[str]:
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
            styles = {spec.caption_style, spec.title_style}
            found = [style for style in library.entries("styles") if style.id in styles]
            return {style.style["font"]["id"] for style in found if isinstance(style, Style)}


def _in_use(user: str, remedy: str) -> FailedPreconditionError:
    return FailedPreconditionError(f"The {user} uses it.", remedy, "id", "IN_USE")
