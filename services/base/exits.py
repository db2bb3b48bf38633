"""How a process of the mesh ends: what its exit code tells whatever may restart it."""

from __future__ import annotations

import errno
import os

from services.base.errors import FailedPreconditionError, InvalidInputError, VigentError

EXIT_DONE, EXIT_FAILED = 0, 1
EXIT_USAGE = 2
"""The settings are wrong: starting it again changes nothing."""
EXIT_PORT_TAKEN = os.EX_TEMPFAIL
"""75 in sysexits.h: for now, the port is taken or the machine lacks the resources to open it."""

PORT_TAKEN = "PORT_TAKEN"
_PASSING = {errno.EADDRINUSE, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def exit_code_of(error: VigentError) -> int:
    """The exit code of a process that cannot start for `error`."""
    if error.reason == PORT_TAKEN:
        return EXIT_PORT_TAKEN
    return EXIT_USAGE if isinstance(error, InvalidInputError) else EXIT_FAILED


def port_error(problem: str, remedy: str, field: str, error: OSError | RuntimeError) -> VigentError:
    """The error for a port that cannot be opened: FailedPreconditionError PORT_TAKEN, or wrong settings.

    gRPC raises RuntimeError when it cannot listen; it is asked to only after the address has proved good.
    """
    if isinstance(error, RuntimeError) or error.errno in _PASSING:
        return FailedPreconditionError(problem, remedy, field, PORT_TAKEN)
    return InvalidInputError(problem, remedy, field)
