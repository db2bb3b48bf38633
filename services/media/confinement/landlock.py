"""Landlock (Linux 5.13 and newer): this process uses the files that it names, and no others.

The registry has `landlock` for this, an alpha. What is needed is three system calls, whose numbers are the
same on every processor. Figures from linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from services.media.confinement.kernel import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_REGULAR, _TRUNCATE = 1 << 8, 1 << 14
_READ = _READ_FILE | _READ_DIR
_WRITE = _READ | _WRITE_FILE | _TRUNCATE | _MAKE_REGULAR | _REMOVE_FILE  # no links, which could lead elsewhere
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_KNOWN_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights over files a kernel knows, by its version of Landlock; later ones have no more."""
_TCP, _SCOPES = 0b11, 0b11  # bind and connect (version 4); abstract sockets and signals (6)


def version() -> int:
    """Which Landlock the kernel has. Raises OSError where it has none."""
    return syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))


def keep_to(reads: Iterable[Path], writes: Iterable[Path]) -> int:
    """From here on this thread, and those it starts, read only what is in `reads` and write only what is in `writes`.

    Folders stand for all in them; what does not exist is left out. No program can be run. From version 4 on no TCP port
    is opened, from 6 on no process outside is sent a signal. Returns the version. Raises OSError where it is refused.
    """
    known = version()
    handled = (1 << _KNOWN_RIGHTS.get(known, 16)) - 1
    attributes = struct.pack("=QQQ", handled, _TCP, _SCOPES)[: 8 if known < 4 else 16 if known < 6 else 24]
    ruleset = syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
    try:
        for paths, rights in ((reads, _READ), (writes, _WRITE)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return known


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        rights = rights if path.is_dir() else rights & _OF_FILES
        rule = struct.pack("=Qi", rights, handle)
        syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
    finally:
        os.close(handle)
