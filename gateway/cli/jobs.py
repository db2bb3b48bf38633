"""`vigent jobs`: what is being made, and what was. `vigent clean`: what no job needs any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.markup import escape
from rich.table import Table

from gateway.cli.connect import DataOption, require
from gateway.cli.output import out, seconds
from gateway.cli.waiting import until_answered
from gateway.films.view import JobView, job_view
from gateway.mesh.addresses import DEFAULT_DATA
from orchestrator.client import JobClient
from services.base.errors import InvalidInputError
from vigent.jobs.v1 import jobs_pb2

app = typer.Typer(help="List, show, cancel and retry jobs.", invoke_without_command=True)


def _checked_id(job: str) -> str:
    """Raises InvalidInputError for "", as from a script's unset variable: it would match every id as a prefix."""
    if not job.strip():
        raise InvalidInputError("The id of the job is empty.", "Give one; `vigent jobs` lists them.", "JOB")
    return job


JobId = Annotated[
    str, typer.Argument(help="Id of the job, or its first characters.", metavar="JOB", callback=_checked_id)
]
_STATE_COLOURS = {"done": "green", "failed": "red", "cancelled": "yellow", "running": "cyan", "queued": "blue"}
_HOUR_S = 3600.0
_T = TypeVar("_T")


@app.callback()
def jobs(context: typer.Context, data: DataOption = DEFAULT_DATA) -> None:
    """List, show, cancel and retry jobs."""
    if context.invoked_subcommand is None:
        list_jobs(data=data)
    else:
        context.default_map = {context.invoked_subcommand: {"data": data}}


@app.command("list")
def list_jobs(
    count: Annotated[int, typer.Option("--count", "-n", help="How many, newest first.", min=1, max=100)] = 20,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """List jobs, newest first."""
    page = _ask(data, lambda client: client.list_page(count))
    if not page.jobs:
        out.print("No jobs yet. Make a film with `vigent make`.")
        return
    table = Table("job", "state", "done", "submitted", "script", box=None)
    for job in map(job_view, page.jobs):
        submitted = job.create_time.astimezone().strftime("%Y-%m-%d %H:%M")
        script = " ".join(job.request.script.split())[:40]
        table.add_row(job.id, _coloured(job.state), f"{job.progress.percent:.0f} %", submitted, escape(script))
    out.print(table)


@app.command("show")
def show_job(job: JobId, data: DataOption = DEFAULT_DATA) -> None:
    """Show one job."""
    _show(_ask(data, lambda client: _find(client, job)))


@app.command("cancel")
def cancel_job(job: JobId, data: DataOption = DEFAULT_DATA) -> None:
    """Cancel a job; finished parts are kept for a retry."""
    _show(_ask(data, lambda client: _on(client, job, client.cancel)))


@app.command("retry")
def retry_job(job: JobId, data: DataOption = DEFAULT_DATA) -> None:
    """Resume a failed or cancelled job where it stopped."""
    _show(_ask(data, lambda client: _on(client, job, client.retry)))


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    unused_h: Annotated[
        float | None,
        typer.Option("--unused-h", help="Hours that a file was not used for; without it, the mesh's setting.", min=0),
    ] = None,
    finished_pieces: Annotated[
        bool, typer.Option("--finished-pieces", help="Also remove the pieces of finished films; the films stay.")
    ] = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Remove what no job and no library needs any more: old pieces, previews, half-made files."""
    grace_s = None if unused_h is None else unused_h * _HOUR_S
    cleaned = _ask(data, lambda client: client.clean(grace_s, finished_pieces=finished_pieces, dry_run=dry_run))
    table = Table(box=None, show_header=False)
    for kind in cleaned:
        table.add_row(f"{kind.count:,}", kind.what, f"{kind.size_bytes / 1e6:,.1f} MB")
    out.print(table)
    verb = "can be" if dry_run else "were"
    out.print(f"{sum(kind.size_bytes for kind in cleaned) / 1e6:,.1f} MB {verb} removed.")


def _ask(data: Path, question: Callable[[JobClient], Awaitable[_T]]) -> _T:
    async def asking() -> _T:
        address = await require("orchestrator", data)
        async with JobClient(address) as client, until_answered("orchestrator", address):
            return await question(client)

    return asyncio.run(asking())


async def _find(client: JobClient, job_id: str) -> jobs_pb2.Job:
    """The job with this id, or the only recent one with this prefix. Raises InvalidInputError if several match."""
    page = await client.list_page(100)
    fitting = [job for job in page.jobs if job.id.startswith((job_id, f"job-{job_id}"))]
    if len(fitting) > 1 and job_id not in {job.id for job in fitting}:
        problem = f"{len(fitting)} jobs have an id that begins with {job_id!r}."
        raise InvalidInputError(problem, "Give more characters; `vigent jobs` lists the ids.", "JOB")
    return fitting[0] if len(fitting) == 1 else await client.get(job_id)


async def _on(client: JobClient, job_id: str, action: Callable[[str], Awaitable[jobs_pb2.Job]]) -> jobs_pb2.Job:
    return await action((await _find(client, job_id)).id)


def _show(message: jobs_pb2.Job) -> None:
    job = job_view(message)
    table = Table(box=None, show_header=False)
    table.add_row("job", job.id)
    table.add_row("state", _coloured(job.state))
    table.add_row("progress", f"{job.progress.percent:.0f} %  {escape(job.progress.message)}")
    if job.progress.eta_s is not None and job.state == "running":
        table.add_row("left", seconds(job.progress.eta_s))
    table.add_row("submitted", job.create_time.astimezone().strftime("%Y-%m-%d %H:%M:%S"))
    if job.start_time and job.end_time:
        table.add_row("took", seconds((job.end_time - job.start_time).total_seconds()))
    _add_failure(table, job)
    for name, output in job.outputs.items():
        table.add_row(name, f"{output.size_bytes:,} bytes")
    out.print(table)


def _add_failure(table: Table, job: JobView) -> None:
    if job.error is not None:
        table.add_row("error", f"[red]{escape(job.error.problem)}[/]")
        table.add_row("where", escape(job.error.field))
        table.add_row("to do", escape(job.error.remedy))


def _coloured(state: str) -> str:
    return f"[{_STATE_COLOURS[state]}]{state}[/]"
