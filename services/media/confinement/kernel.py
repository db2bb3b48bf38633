"""System calls that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2

LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def syscall(number: int, *arguments: object) -> int:
    """What the kernel answers. Raises OSError where it refuses, and where there is no such kernel."""
    return _checked("syscall", ctypes.c_long(number), *arguments)


def prctl(option: int, *arguments: object) -> int:
    """As `syscall`."""
    return _checked("prctl", ctypes.c_int(option), *(arguments or (ctypes.c_ulong(0),) * 4))


def unshare(flags: int) -> None:
    """Leaves namespaces (CLONE_NEW...) for new ones. Raises OSError."""
    _checked("unshare", ctypes.c_int(flags))


def die_with_parent() -> None:
    """Has this process killed when the thread that started it ends."""
    if LINUX:
        prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))


def gain_no_privileges() -> None:
    """No program that is run from here gets more rights than this process has; the walls need that. Raises OSError."""
    zero = ctypes.c_ulong(0)
    prctl(_PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero)


def drop_capabilities() -> None:
    """Of root's powers, only that over files stays, which a mesh run by root reads and writes with. Raises OSError."""
    kept = 1 << _CAP_DAC_OVERRIDE | 1 << _CAP_DAC_READ_SEARCH if os.geteuid() == 0 else 0
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(kept, kept)  # effective, permitted, inheritable; then their upper halves
    if (number := _CAPSET.get(os.uname().machine)) is not None:
        syscall(number, header, data)


def _checked(function: str, *arguments: object) -> int:
    if _libc is None:
        raise OSError(f"{sys.platform} has no {function}")
    answer = int(getattr(_libc, function)(*arguments))
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
    return answer
