"""How the command line speaks: results on stdout, everything else on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from services.base.errors import VigentError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_FIELD_OPTIONS = {
    "footage": "--footage",
    "voice": "--voice",
    "music": "--music",
    "caption_style": "--style",
    "title": "--title",
    "title_style": "--title-style",
    "script": "SCRIPT",
    "platform": "--platform",
    "width": "--width",
    "height": "--height",
    "speed": "--speed",
    "music_gain_db": "--music-gain-db",
    "language": "--language",
    "reference_audio": "--reference",
    "reference_text": "--reference-text",
    "reference_language": "--reference-language",
    "consent": "--consent-of, --consent",
    "face_consent": "--face-consent-of, --face-consent",
}


def show_error(error: VigentError, what: str = "error") -> None:
    """What is wrong, where, and what to do."""
    field, _, key = error.field.removeprefix("spec.").partition(".")
    err.print(f"[bold red]{what}:[/] {escape(error.problem)}")
    if field:
        err.print(f"  where: {escape(_FIELD_OPTIONS.get(field, field))}{escape(f', {key}' if key else '')}")
    if error.remedy:
        err.print(f"  to do: {escape(error.remedy)}")


def seconds(duration_s: float) -> str:
    """A duration for people: 48 s, 3 min 05 s."""
    whole = round(duration_s)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
