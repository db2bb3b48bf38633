"""How the command line speaks: results on stdout, everything else on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from services.base.errors import VigentError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_error(error: VigentError, what: str = "error") -> None:
    """What is wrong, where, and what to do."""
    from gateway.cli.options import option_of  # knows every option of a film, which few commands make

    err.print(f"[bold red]{what}:[/] {escape(error.problem)}")
    if error.field:
        err.print(f"  where: {escape(option_of(error.field))}")
    if error.remedy:
        err.print(f"  to do: {escape(error.remedy)}")


def warn(sentence: str) -> None:
    """Something to know that ends nothing."""
    err.print(f"[yellow]Warning:[/] {escape(sentence)}")


def seconds(duration_s: float) -> str:
    """A duration for people: 48 s, 3 min 05 s."""
    whole = round(duration_s)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
