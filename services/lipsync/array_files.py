"""Arrays about footage, kept in files. A full, damaged or read-only folder costs time, but fails no call."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

_LOG = logging.getLogger(__name__)

Arrays: TypeAlias = Mapping[str, NDArray[Any]]


def read_arrays(path: Path) -> Arrays | None:
    """What `write_arrays` wrote; None when the file is missing or damaged."""
    try:
        with path.open("rb") as content, np.load(content) as kept:
            return dict(kept)
    except FileNotFoundError:
        return None
    except Exception as error:  # zip and NumPy raise all kinds of errors for a damaged file
        _LOG.warning("%s cannot be read (%s) and is made again", path, error)
        return None


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Keeps arrays; the name appears when the file is whole. Where they cannot be kept, the log says so."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        _LOG.warning("%s cannot be kept (%s) and will be made again", path, error.strerror)
