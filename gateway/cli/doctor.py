"""`vigent doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from gateway.cli import checks
from gateway.cli.checks import Finding, Verdict
from gateway.cli.connect import DataOption, load_settings
from gateway.cli.effective import effective_settings
from gateway.cli.output import err, out
from gateway.mesh.addresses import DEFAULT_DATA
from services.base.errors import VigentError

_MARKS = {Verdict.OK: "[green] ok [/]", Verdict.WARN: "[yellow]warn[/]", Verdict.FAIL: "[red]fail[/]"}
EXIT_HEALTHY, EXIT_UNHEALTHY = 0, 1


def doctor(
    data: DataOption = DEFAULT_DATA,
    scrub: Annotated[bool, typer.Option("--scrub", help="Read every stored file, and find the damaged ones.")] = False,
) -> None:
    """Check this machine: packages, voice, fonts, encoders, ports, settings. Exits with 1 if anything is wrong."""
    settings = load_settings(data)
    worst = EXIT_HEALTHY
    for finding in _findings(data, settings.media_root if scrub else None):
        out.print(f"{_MARKS[finding.verdict]}  {finding.subject:<12} {escape(finding.detail)}")
        if finding.remedy:
            out.print(f"      {'':<12} to do: {escape(finding.remedy)}")
        if finding.verdict is Verdict.FAIL:
            worst = EXIT_UNHEALTHY
    out.print(
        "\n[bold]Settings in effect[/]  (environment, then vigent.toml, then defaults; * differs from the default)"
    )
    for line in effective_settings():
        out.print(f"  {escape(line)}")
    if worst == EXIT_UNHEALTHY:
        err.print("\nFix what is marked `fail` above before making films.")
    raise typer.Exit(worst)


def _findings(data: Path, scrubbed: Path | None) -> Iterator[Finding]:
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        checks.machine,
        lambda: checks.folder(data),
        *((lambda: checks.stored_files(scrubbed),) if scrubbed else ()),
        checks.packages,
        checks.fonts,
        checks.encoders,
        checks.uploads,
        lambda: checks.voice(data),
        lambda: checks.ports(data),
        lambda: checks.overlay(data),
        checks.devices,
    )
    for look in looks:
        try:
            yield from look()
        except VigentError as error:
            yield Finding(Verdict.FAIL, error.field or "check", error.problem, error.remedy)
