"""The command line `vigent`. Exit codes: 0 done, 1 it failed, 2 bad usage.

A command is imported when it is asked for, and what shows results and errors when there are any: help is there at once.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from services.base.encoding import check_decoded
from services.base.errors import InvalidInputError, VigentError
from services.base.terminal import replace_what_cannot_be_shown

EXIT_FAILED, EXIT_USAGE = 1, 2

COMMANDS = {
    "make": "Make a film.",
    "up": "Run the mesh and its gateway on this machine until Ctrl-C.",
    "restart": "Restart a service of the mesh that runs: each process finishes its calls first, one after another.",
    "voices": "List the voices.",
    "probe": "Check a server's health.",
    "doctor": "Check this machine: packages, voice, fonts, encoders, ports, settings.",
    "clean": "Remove what no job and no library needs any more: old pieces, previews, half-made files.",
    "jobs": "List, show, cancel and retry jobs.",
    "models": "List, download and check the checkpoints of the production engines.",
    "keys": "Make, list, rotate and remove the keys of the gateway.",
}
"""Each command and the first sentence of its help; it is `NAME` of the module `gateway.cli.NAME` or of one of these."""
_MODULES = {"clean": "jobs", "keys": "access.keys"}


class _Imported(Mapping[str, object]):
    """The commands by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> object:
        if name not in COMMANDS:
            raise KeyError(name)
        module = importlib.import_module(f"gateway.cli.{_MODULES.get(name, name)}")
        group = typer.Typer(rich_markup_mode=None)
        if hasattr(module, "app") and module.__name__.endswith(f".{name}"):
            group.add_typer(module.app, name=name)
        else:
            group.command(name)(getattr(module, name))
        return get_group(group).commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Commands(TyperGroup):
    """The group of all commands, whose own help imports none of them."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - typer's own
        super().__init__(**attributes)
        self.commands = _Imported()  # type: ignore[assignment]  # none is ever added

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - typer's own
        """Their names, in the order of the help."""
        return list(COMMANDS)

    def format_commands(self, ctx: object, formatter: Any) -> None:  # noqa: ANN401, ARG002 - typer's own
        """Lists the commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _show_version(asked: bool) -> None:
    if asked:
        import importlib.metadata

        typer.echo(f"vigent {importlib.metadata.version('vigent')}")
        raise typer.Exit


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # its tables truncate option names on a narrow terminal
)


@app.callback()
def vigent(
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Turns a script, a voice and footage of a presenter into a finished talking-head short."""
    from gateway.cli.effective import unread_settings
    from gateway.cli.output import warn

    for sentence in unread_settings():
        warn(sentence)


def main() -> None:
    """Entry point: errors say what is wrong, where, and what to do, on stderr, without a traceback."""
    replace_what_cannot_be_shown()
    try:
        for argument in sys.argv[1:]:
            check_decoded(argument, "The argument")
        app()
    except VigentError as error:
        from gateway.cli.output import show_error

        show_error(error)
        sys.exit(EXIT_USAGE if isinstance(error, InvalidInputError) else EXIT_FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(EXIT_FAILED)
