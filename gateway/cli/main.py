"""The command line `vigent`. Exit codes: 0 done, 1 it failed, 2 bad usage."""

from __future__ import annotations

import asyncio
import importlib.metadata
import sys
from typing import Annotated

import typer
from pydantic_settings import BaseSettings
from rich.markup import escape

from gateway.cli.doctor import doctor
from gateway.cli.jobs import app as jobs
from gateway.cli.jobs import clean
from gateway.cli.make import make
from gateway.cli.models import app as models
from gateway.cli.output import err, out, show_error
from gateway.cli.probe import probe
from gateway.cli.restart import restart
from gateway.cli.up import up
from gateway.cli.voices import voices
from gateway.settings import MODEL_SERVICES, GatewaySettings
from orchestrator.settings import OrchestratorSettings
from services.base.encoding import check_decoded
from services.base.errors import InvalidInputError, VigentError
from services.base.setting_names import unread_variables
from services.base.settings import ServerSettings
from services.base.terminal import replace_what_cannot_be_shown

EXIT_FAILED, EXIT_USAGE = 1, 2

_SETTINGS: dict[str, type[BaseSettings]] = {
    **dict.fromkeys(MODEL_SERVICES, ServerSettings),
    "gateway": GatewaySettings,
    "orchestrator": OrchestratorSettings,
}


def _show_version(asked: bool) -> None:
    if asked:
        out.print(f"vigent {importlib.metadata.version('vigent')}")
        raise typer.Exit


app = typer.Typer(
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
    for sentence in unread_variables(_SETTINGS):
        err.print(f"[yellow]Warning:[/] {escape(sentence)}")


for _command in (make, up, restart, voices, probe, doctor, clean):
    app.command()(_command)
app.add_typer(jobs, name="jobs")
app.add_typer(models, name="models")


def main() -> None:
    """Entry point: errors say what is wrong, where, and what to do, on stderr, without a traceback."""
    replace_what_cannot_be_shown()
    try:
        for argument in sys.argv[1:]:
            check_decoded(argument, "The argument")
        app()
    except InvalidInputError as error:
        show_error(error)
        sys.exit(EXIT_USAGE)
    except VigentError as error:
        show_error(error)
        sys.exit(EXIT_FAILED)
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(EXIT_FAILED)
