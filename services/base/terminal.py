"""What a process writes for people, in a terminal of any encoding."""

from __future__ import annotations

import io
import sys


def replace_what_cannot_be_shown() -> None:
    """Makes standard output and error show "?" for what their encoding lacks, where Python would raise an error.

    Under LC_ALL=C, ISO-8859-1 or GBK this affects Chinese text, or the bar of a progress display.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
