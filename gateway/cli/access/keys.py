"""`vigent keys`: who may use the gateway beside the user of its machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway.access.keys import Key, KeyFile, NewKey, new_key_id
from gateway.access.rules import SCOPES, USUAL_SCOPES, Scope
from gateway.cli.connect import DataOption, load_settings
from gateway.cli.output import err, out
from gateway.fields import shortened
from gateway.mesh.addresses import DEFAULT_DATA
from services.base.errors import InvalidInputError

app = typer.Typer(help="Make, list, rotate and remove the keys of the gateway.", no_args_is_help=True)

_LONGEST_NAME = 60
NameArgument = Annotated[str, typer.Argument(help="Who or what uses it, such as phone.", metavar="NAME")]
DaysOption = Annotated[int | None, typer.Option(help="Days until it ends; never, when left out.", min=1, max=36_500)]


@app.command("add")
def add(
    name: NameArgument,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do: {', '.join(SCOPES)}; several times. Otherwise {', '.join(USUAL_SCOPES)}."),
    ] = None,
    days: DaysOption = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(help="Requests that it may make in a minute.", min=1)
    ] = None,
    unfinished_jobs: Annotated[int | None, typer.Option(help="Jobs of its own that may wait or run.", min=1)] = None,
    weight: Annotated[int, typer.Option(help="Its share where keys wait for each other.", min=1, max=100)] = 1,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Make a key and print it. It is kept as a hash: nobody can print it again."""
    key = Key(
        id=new_key_id(),
        name=_named(name),
        scopes=_scopes(scope or USUAL_SCOPES),
        created=datetime.now(UTC).replace(microsecond=0),
        requests_per_minute=requests_per_minute,
        unfinished_jobs=unfinished_jobs,
        weight=weight,
        secrets=[],
    )
    _show(_file(data).add(key, _lasts(days)))


@app.command("list")
def list_(data: DataOption = DEFAULT_DATA) -> None:
    """List the keys, what each may do, and when it ends."""
    table = Table("name", "id", "scopes", "requests/min", "jobs", "weight", "made", "ends", box=None)
    now = datetime.now(UTC)
    for key in _file(data).all():
        limits = (str(limit or "-") for limit in (key.requests_per_minute, key.unfinished_jobs, key.weight))
        ends = key.secrets[0].until
        state = f"{ends:%Y-%m-%d}" if ends else "never"
        table.add_row(
            *(key.name, key.id, " ".join(key.scopes), *limits, f"{key.created:%Y-%m-%d}"),
            state if key.valid(now) else f"ended {state}",
        )
    out.print(table)


@app.command("rotate")
def rotate(
    name: NameArgument,
    overlap_hours: Annotated[float, typer.Option(help="Hours that the old one stays good.", min=0, max=8760)] = 24.0,
    days: DaysOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Give a key a new secret and print it; the old one goes on for a day, so that nobody is cut off."""
    _show(_file(data).rotate(name, timedelta(hours=overlap_hours), _lasts(days)))


@app.command("remove")
def remove(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Forget a key. Whoever uses it is refused within a second, browsers too."""
    _file(data).remove(name)
    err.print(f"The key {name} is gone.", markup=False)


def _file(data: Path) -> KeyFile:
    return KeyFile(load_settings(data).keys_file)


def _show(made: NewKey) -> None:
    """The key alone on standard output, so that a program can take it."""
    err.print(f"The key {made.key.name} ({', '.join(made.key.scopes)}), shown this once:", markup=False)
    out.print(made.text, markup=False)


def _named(name: str) -> str:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        problem = f"{shortened(name)} is no name for a key."
        raise InvalidInputError(problem, f"Give a word or two, at most {_LONGEST_NAME} letters.", "name")
    return name.strip()


def _scopes(given: tuple[str, ...] | list[str] | tuple[Scope, ...]) -> list[Scope]:
    known: dict[str, Scope] = {scope: scope for scope in SCOPES}
    if unknown := [name for name in given if name not in known]:
        raise InvalidInputError(f"There is no scope {shortened(unknown[0])}.", f"Give {', '.join(SCOPES)}.", "scope")
    return [scope for scope in SCOPES if scope in given]


def _lasts(days: int | None) -> timedelta | None:
    return timedelta(days=days) if days else None
