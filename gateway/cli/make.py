"""`vigent make`: one film, from files on this machine to files on this machine."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.markup import escape

from gateway.cli.connect import DataOption, find, load_settings
from gateway.cli.output import err, seconds, show_error
from gateway.cli.progress import JobDisplay
from gateway.films.request import Ingredients, read_text, spec_of_ingredients, target_file
from gateway.mesh.addresses import DEFAULT_DATA, GATEWAY, PROCESSES
from gateway.mesh.lock import hold
from gateway.mesh.log import LogFile
from gateway.mesh.plan import MeshPlan
from gateway.mesh.supervisor import Supervisor
from orchestrator.client import JobClient
from services.base.errors import FailedPreconditionError, NotFoundError, VigentError
from services.media.store import MediaStore
from vigent.jobs.v1 import jobs_pb2

EXIT_DONE, EXIT_FAILED = 0, 1
_NO_DRAIN_DELAY = {f"VIGENT_{name.upper()}_DRAIN_DELAY_S": "0" for name in PROCESSES}  # nobody else uses this mesh
_BESIDE = {
    "captions.srt": ".srt",
    "captions.vtt": ".vtt",
    "captions.ass": ".ass",
    "cover.jpg": ".jpg",
    "report.json": ".report.json",
}


def make(
    script: Annotated[str, typer.Argument(help="Text file with what is said; - reads standard input.")],
    footage: Annotated[str, typer.Option(help="Video or picture of the presenter, or the id of one in the library.")],
    out_file: Annotated[
        Path | None,
        typer.Option("--out", help="The film; else here, by the script's name. Captions, cover, report go beside it."),
    ] = None,
    voice: Annotated[
        str, typer.Option(help="Voice id, as `vigent voices` lists them; with qwen3 also 'ID: how to speak'.")
    ] = "",
    music: Annotated[str, typer.Option(help="Music under the voice: a file, or the id of one in the library.")] = "",
    style: Annotated[str, typer.Option(help="Caption style: an id, or a style file (JSON).")] = "",
    title: Annotated[str, typer.Option(help="Title over the first seconds, at most 60 characters.")] = "",
    title_file: Annotated[Path | None, typer.Option(help="Text file with the title, in place of --title.")] = None,
    title_style: Annotated[str, typer.Option(help="Title style: an id, or a style file (JSON).")] = "",
    language: Annotated[str, typer.Option(help="BCP 47 language; the text decides when left out.")] = "",
    speed: Annotated[float, typer.Option(help="Speed of the voice, 0.5 to 2.0.")] = 1.0,
    music_gain_db: Annotated[float, typer.Option(help="Level of the music against its own, -60 to 12 dB.")] = -18.0,
    platform: Annotated[str, typer.Option(help="Where it will be shown, such as tiktok; else it suits all.")] = "",
    width: Annotated[int, typer.Option(help="Film width in pixels, even, 128 to 2160.", min=1, max=65535)] = 1080,
    height: Annotated[int, typer.Option(help="Film height in pixels, even, 128 to 2160.", min=1, max=65535)] = 1920,
    quality: Annotated[Literal["draft", "standard", "best"], typer.Option(help="Care of the lip-sync.")] = "standard",
    loudness: Annotated[
        Literal["online", "podcast", "broadcast", "off"], typer.Option(help="-14, -16, -23 LUFS, or as it comes.")
    ] = "online",
    captions: Annotated[bool, typer.Option(help="Draw captions into the picture; files are made either way.")] = True,
    ai_label: Annotated[bool, typer.Option(help="Mark the film as made by AI; the choice is recorded.")] = True,
    seed: Annotated[int, typer.Option(help="Makes the film repeatable.", min=0, max=2**64 - 1)] = 0,
    reference: Annotated[Path | None, typer.Option(help="Recording whose speaker is cloned.")] = None,
    reference_text: Annotated[str, typer.Option(help="What is said in it; else written down, where that can be.")] = "",
    reference_language: Annotated[str, typer.Option(help="BCP 47 language spoken in the recording.")] = "",
    consent_of: Annotated[str, typer.Option(help="Who agreed to being cloned; needed with --reference.")] = "",
    consent: Annotated[str, typer.Option(help="Words of the agreement; needed with --reference.")] = "",
    face_consent_of: Annotated[str, typer.Option(help="Who is in the footage and agreed; kept with the job.")] = "",
    face_consent: Annotated[str, typer.Option(help="Words of that agreement.")] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make a film; uses a running mesh, else starts one for this job and ends it. Ctrl-C cancels the job."""
    target = target_file(out_file, script)
    ingredients = Ingredients(
        script=read_text(script, "script"),
        footage=footage,
        voice=voice,
        music=music,
        caption_style=style,
        title=read_text(str(title_file), "title").strip() if title_file else title,
        title_style=title_style,
        language=language,
        speed=speed,
        music_gain_db=music_gain_db,
        platform=platform,
        width=width,
        height=height,
        quality=quality,
        loudness=loudness,
        captions="drawn" if captions else "files_only",
        ai_label=ai_label,
        seed=seed,
        reference=reference,
        reference_text=reference_text,
        reference_language=reference_language,
        consent_of=consent_of,
        consent=consent,
        face_consent_of=face_consent_of,
        face_consent=face_consent,
    )
    try:
        code = asyncio.run(_make(ingredients, target, data))
    except (KeyboardInterrupt, asyncio.CancelledError):
        code = EXIT_FAILED
    raise typer.Exit(code)


async def _make(ingredients: Ingredients, target: Path, data: Path) -> int:
    _end_on_sigterm()
    settings = load_settings(data)
    store = MediaStore(settings.media_root)
    spec = await asyncio.to_thread(spec_of_ingredients, ingredients, settings, store)
    address = await find("orchestrator", data, settings)
    async with AsyncExitStack() as stack:
        if address is None:
            address = await stack.enter_async_context(_own_mesh(data))
        client = await stack.enter_async_context(JobClient(address))
        return await _film(client, address, spec, target, store)


async def _film(client: JobClient, address: str, spec: jobs_pb2.JobSpec, target: Path, store: MediaStore) -> int:
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
    await asyncio.to_thread(_deliver, job, store, target)
    display.summary(target, seconds(job.progress.playable_s))
    return EXIT_DONE


async def _cancel(client: JobClient, job: jobs_pb2.Job) -> None:
    if (await client.cancel(job.id)).state == jobs_pb2.JOB_STATE_CANCELLED:
        err.print(f"Cancelled job {job.id}. The same command goes on where it stopped.")


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
            "Give the data folder of that mesh with --data, or end it.",
            error.field,
        ) from error


@asynccontextmanager
async def _own_mesh(data: Path) -> AsyncIterator[str]:
    """Address of the orchestrator of a mesh that lives as long as this context; its log goes to a file."""
    plan = MeshPlan.here(port_base=0)
    addresses = {name: address for name, address in plan.addresses.by_name().items() if name != GATEWAY}
    with hold(data, addresses), LogFile(data / "make.log") as log:
        err.print(f"No mesh runs; starting one for this film. Its log: {log.path}")
        async with Supervisor(plan, data, log.say, list(addresses), settings=_NO_DRAIN_DELAY) as mesh:
            try:
                await mesh.wait_ready()
            except FailedPreconditionError as error:
                if error.reason == "ENGINE_NOT_LOADED":  # it says all; a crash is told by the log
                    raise
                raise FailedPreconditionError(f"{error.problem}\n{log.tail()}", error.remedy) from error
            for process in mesh.processes.values():
                if process.missing:
                    err.print(f"[yellow]Warning:[/] {escape(process.missing)}")
            yield addresses["orchestrator"]


def _deliver(job: jobs_pb2.Job, store: MediaStore, target: Path) -> None:
    """Puts the film where it was asked for, and what belongs to it beside it, each whole or not at all."""
    try:
        _copy(store.path(job.outputs["film.mp4"].sha256), target)
        for name, suffix in _BESIDE.items():
            _copy(store.path(job.outputs[name].sha256), target.with_suffix(suffix))
    except OSError as error:
        problem = f"The film is finished, but cannot be written to {target}: {error.strerror}."
        raise FailedPreconditionError(problem, "Give another --out; nothing is made again.", "--out") from error


def _copy(source: Path, target: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        whole = Path(file.name)
    try:
        shutil.copyfile(source, whole)
        whole.chmod(0o644)
        whole.replace(target)
    finally:
        whole.unlink(missing_ok=True)


def _show_failure(job: jobs_pb2.Job) -> None:
    if job.state == jobs_pb2.JOB_STATE_CANCELLED:
        err.print(f"[yellow]Job {job.id} was cancelled.[/] The same command goes on where it stopped.")
        return
    error = VigentError(job.error.message, job.error.remedy, job.error.field, job.error.reason)
    show_error(error, f"job {job.id} failed")


def _end_on_sigterm() -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
