"""Seccomp: the kernel refuses this process the calls by which a decoder could do more than decode.

The registry's `pyseccomp` was last released in 2021 and needs libseccomp, which slim images lack. The program for the
kernel is a list of comparisons (linux/bpf_common.h), so it is written here. What is named is refused with EPERM; all
else, threads among it, goes on as before. What needs root is not named: `kernel.drop_capabilities` refuses that.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
import termios
from collections.abc import Iterator

from services.media.confinement.kernel import prctl

REFUSED: dict[str, tuple[int, int | None]] = {
    # network, Unix sockets too
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    # programs and processes
    "execve": (59, 221),
    "execveat": (322, 281),
    "fork": (57, None),
    "vfork": (58, None),
    # other processes of the same user
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "tkill": (200, 130),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # of files, what Landlock does not see
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "open_by_handle_at": (304, 265),
    # memory, queues and keys that outlive the process
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # ways into the kernel, past this filter or out of it
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
}
"""Numbers on x86_64 and on aarch64; None where a processor never had the call."""

CONDITIONAL: dict[str, tuple[int, int]] = {
    "kill": (62, 129),
    "tgkill": (234, 131),
    "prlimit64": (302, 261),
    "clone": (56, 220),
    "clone3": (435, 435),
    "ioctl": (16, 29),
}
"""Refused for some of their arguments."""

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH of linux/audit.h
_FIRST_OF_X32 = 0x40000000  # another set of numbers that x86_64 has for the same calls
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; of an argument, the lower half comes first
_CLONE_THREAD = 0x00010000
_TIOCLINUX = 0x541C

_Step = tuple[int, int, int, int]
"""Code, how many steps to skip if it holds and if not, operand."""


def refuse_calls() -> str:
    """Filters this thread, and those it starts, for good; returns by what.

    Raises OSError where the kernel or this module cannot.
    """
    machine = os.uname().machine
    if machine not in _MACHINES or sys.byteorder != "little":
        raise OSError(errno.ENOSYS, f"no filter is known for {machine}")
    steps = list(_program(*_MACHINES[machine], os.getpid()))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    filter_ = struct.pack("@HP", len(steps), ctypes.addressof(code))
    prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), filter_)
    return "seccomp"


def _program(column: int, machine: int, pid: int) -> Iterator[_Step]:
    yield _LOAD, 0, 0, _MACHINE
    yield from _unless(_EQUAL, machine)
    yield _LOAD, 0, 0, _NUMBER
    if column == 0:
        yield from _if(_AT_LEAST, _FIRST_OF_X32)
    for numbers in REFUSED.values():
        if (number := numbers[column]) is not None:
            yield from _if(_EQUAL, number)
    of = {name: both[column] for name, both in CONDITIONAL.items()}
    yield from _if(_EQUAL, of["clone3"], errno.ENOSYS)  # its flags are out of sight; clone takes its place
    yield from _for(of["clone"], 0, [*_unless(_ANY_BIT, _CLONE_THREAD)])
    yield from _for(of["kill"], 0, [*_unless(_EQUAL, pid)])
    yield from _for(of["tgkill"], 0, [*_unless(_EQUAL, pid)])
    yield from _for(of["prlimit64"], 0, [(_EQUAL, 2, 0, 0), *_unless(_EQUAL, pid)])
    yield from _for(of["ioctl"], 1, [*_if(_EQUAL, termios.TIOCSTI), *_if(_EQUAL, _TIOCLINUX)])  # typing for users
    yield _RETURN, 0, 0, _ALLOW


def _if(condition: int, operand: int, error: int = errno.EPERM) -> Iterator[_Step]:
    """Refused if the condition holds."""
    yield condition, 0, 1, operand
    yield _RETURN, 0, 0, _ERRNO | error


def _unless(condition: int, operand: int) -> Iterator[_Step]:
    """Refused if the condition does not hold."""
    yield condition, 1, 0, operand
    yield _RETURN, 0, 0, _ERRNO | errno.EPERM


def _for(number: int, argument: int, steps: list[_Step]) -> Iterator[_Step]:
    """The steps look at the lower half of an argument of one call, which is allowed behind them."""
    yield _EQUAL, 0, len(steps) + 2, number
    yield _LOAD, 0, 0, _ARGUMENTS + 8 * argument
    yield from steps
    yield _RETURN, 0, 0, _ALLOW
