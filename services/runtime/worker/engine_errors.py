"""What an engine raised, as the server may know it."""

from __future__ import annotations

import logging
import os

from services.base import errors
from services.base.errors import ExhaustedError, InternalError, VigentError
from services.enginekit.device import is_device_lost, is_out_of_memory

_LOG = logging.getLogger(__name__)

OUT_OF_MEMORY = "OUT_OF_MEMORY"
"""Reason of the ExhaustedError of a full device, as engines give it too."""

_KNOWN = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, VigentError)]


def typed_error(error: BaseException, problem: str) -> VigentError:
    """An error of a class in `errors`, without internals. Ends the process when only a new one can help."""
    if isinstance(error, VigentError):
        return _known(error)
    if is_out_of_memory(error):
        _LOG.warning("out of memory", exc_info=error)
        return ExhaustedError(
            "The device has not enough memory.",
            "Send less at once, or try again later.",
            reason=OUT_OF_MEMORY,
            retry_after_s=5.0,
        )
    _LOG.error("the engine raised an error", exc_info=error)
    if is_device_lost(error):
        logging.shutdown()
        os._exit(os.EX_IOERR)  # a lost CUDA context never comes back inside one process
    return InternalError(problem, "See the worker's log.")


def _known(error: VigentError) -> VigentError:
    """Engines may subclass our errors; unpickling such a class would import the engine into the server."""
    kind = next(base for base in type(error).__mro__ if base in _KNOWN)
    return kind(error.problem, error.remedy, error.field, error.reason, error.retry_after_s)
