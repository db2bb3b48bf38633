"""`vigent make`: one film, from files on this machine to files on this machine."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.cli.connect import DataOption, load_settings
from gateway.cli.options import files_of, film_of, takes_film
from gateway.cli.output import err, out, seconds, show_error
from gateway.cli.outputs import Outputs, film_file
from gateway.cli.progress import JobDisplay
from gateway.cli.shared_mesh import orchestrator_for
from gateway.cli.waiting import telling, while_it_lives
from gateway.films.findings import findings_of
from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.library.library import Library
from gateway.mesh.addresses import DEFAULT_DATA
from gateway.settings import GatewaySettings
from orchestrator.client import JobClient
from services.base.errors import NotFoundError, VigentError
from services.media.storage.opening import open_store
from services.media.store import MediaStore
from services.typography.fonts import use_uploaded_fonts
from vigent.jobs.v1 import jobs_pb2

EXIT_DONE, EXIT_FAILED = 0, 1


@takes_film
def make(
    *,
    out_file: Annotated[
        Path | None,
        typer.Option(
            "--out", help="File of the film; by default here, named after the script. Other outputs go beside it."
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace files that Vigent did not make or that were changed since; never an input."
        ),
    ] = False,
    data: DataOption = DEFAULT_DATA,
    **given: object,
) -> None:
    """Make a film. Uses the running mesh, or starts one just for this film. Ctrl-C cancels the job."""
    outputs = Outputs(film_file(out_file, str(given["script"])), files_of(given), overwrite)
    request = film_of(given)
    if not request.footage:
        err.print("No --footage given: using the presenter that comes with Vigent.")
    try:
        code = asyncio.run(_make(request, outputs, data))
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = EXIT_FAILED
    raise typer.Exit(code)


async def _make(request: FilmRequest, outputs: Outputs, data: Path) -> int:
    _end_on_sigterm()
    settings = load_settings(data)
    await asyncio.to_thread(outputs.check, settings.media_root)
    store = open_store(settings.media_root)
    async with telling(_inspection):
        spec = await asyncio.to_thread(_spec, request, settings, store)
    async with (
        orchestrator_for(data, settings) as address,
        JobClient(address) as client,
        while_it_lives("orchestrator", address),
    ):
        return await _film(client, address, spec, outputs, store)


async def _inspection() -> str:
    return "your files to be checked"


def _spec(request: FilmRequest, settings: GatewaySettings, store: MediaStore) -> jobs_pb2.JobSpec:
    use_uploaded_fonts(store.root)
    return resolve(request, Library(settings, store), files=True)


async def _film(client: JobClient, address: str, spec: jobs_pb2.JobSpec, outputs: Outputs, store: MediaStore) -> int:
    submitting = asyncio.create_task(_submit(client, address, spec, store))
    try:
        job = (await asyncio.shield(submitting)).job
        with JobDisplay(job.id) as display:
            async for event in client.watch(job.id):
                display.show(event)
        job = await client.get(job.id)
    except asyncio.CancelledError:
        await _cancel(client, (await submitting).job)
        raise
    if job.state != jobs_pb2.JOB_STATE_DONE:
        _show_failure(job)
        return EXIT_FAILED
    await asyncio.to_thread(outputs.place, job.outputs, store)
    display.summary(outputs.film, seconds(job.progress.playable_s))
    _show_findings(store.path(job.outputs["report.json"].sha256))
    return EXIT_DONE


async def _cancel(client: JobClient, job: jobs_pb2.Job) -> None:
    if (await client.cancel(job.id)).state == jobs_pb2.JOB_STATE_CANCELLED:
        err.print(f"Cancelled job {job.id}. Run the same command again to resume it.")


async def _submit(
    client: JobClient, address: str, spec: jobs_pb2.JobSpec, store: MediaStore
) -> jobs_pb2.SubmitJobResponse:
    try:
        return await client.submit(spec)
    except NotFoundError as error:
        if not error.field.startswith("spec.") or error.reason != NotFoundError.default_reason:
            raise
        raise NotFoundError(
            f"The orchestrator at {address} does not keep its media in {store.root}.",
            "Give that mesh's data folder with --data, or stop that mesh.",
            error.field,
        ) from error


def _show_findings(report: Path) -> None:
    for finding in findings_of(json.loads(report.read_text(encoding="utf-8"))):
        out.print(f"  [yellow]note:[/] {escape(finding)}")


def _show_failure(job: jobs_pb2.Job) -> None:
    if job.state == jobs_pb2.JOB_STATE_CANCELLED:
        err.print(f"[yellow]Job {job.id} was cancelled.[/] Run the same command again to resume it.")
        return
    error = VigentError(job.error.message, job.error.remedy, job.error.field, job.error.reason)
    show_error(error, f"job {job.id} failed")


def _end_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
