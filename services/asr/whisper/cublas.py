"""cuBLAS 12, which CTranslate2 opens by its bare name when it first multiplies on a GPU.

torch brings cuBLAS 13 only, and neither package is where the loader looks for libraries. A library that this process
has already loaded is found by its name, wherever it came from.
"""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

from services.base.errors import FailedPreconditionError

_LIBRARIES = ("libcublasLt.so.12", "libcublas.so.12")  # the second needs the first


def load_cublas() -> None:
    """Loads the libraries of the package nvidia-cublas-cu12, else those that the system finds.

    Raises FailedPreconditionError (ENGINE_NOT_INSTALLED) where there are none.
    """
    folder = package_folder()
    try:
        for name in _LIBRARIES:
            ctypes.CDLL(str(folder / name) if folder else name, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise FailedPreconditionError(
            f"Whisper on a GPU needs cuBLAS 12, which cannot be loaded: {error}.",
            "Install the extra whisper-cuda, or set VIGENT_ASR_DEVICE=cpu.",
            "device",
            "ENGINE_NOT_INSTALLED",
        ) from error


def package_folder() -> Path | None:
    """Where nvidia-cublas-cu12 keeps its libraries; None where it is not installed."""
    spec = find_spec("nvidia")
    places = [Path(place) / "cublas" / "lib" for place in (spec.submodule_search_locations or [])] if spec else []
    return next((place for place in places if all((place / name).is_file() for name in _LIBRARIES)), None)
