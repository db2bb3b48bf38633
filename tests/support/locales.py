"""Locales other than UTF-8, compiled for one test run: a machine need not have them installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCES = Path("/usr/share/i18n/charmaps")


def locale_environment(folder: Path, language: str, charset: str) -> dict[str, str]:
    """The environment of a program in such a locale, as ("zh_CN", "GBK"), which is put into `folder`.

    Where it cannot be compiled (Debian has the sources in the package "locales"), the "C" locale with that charset for
    standard input and output alone.
    """
    if shutil.which("localedef") and _SOURCES.is_dir():
        name = f"{language}.{charset}"
        subprocess.run(["localedef", "-i", language, "-f", charset, str(folder / name)], check=True)
        return {"LOCPATH": str(folder), "LC_ALL": name}
    return {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": charset}
