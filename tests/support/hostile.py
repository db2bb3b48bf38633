"""What a decoder does that has been taken over by the file that it reads; for `run_limited`."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path

_PIDFD_OPEN, _IO_URING_SETUP = 434, 425  # the same on all processors
_libc = ctypes.CDLL(None, use_errno=True)


def refusals(attempts: list[str], *arguments: str) -> dict[str, str]:
    """What came of each attempt, a function of this module: the name of the error, or "done"."""
    return {name: _refusal(globals()[name], *arguments) for name in attempts}


def _refusal(attempt: Callable[..., object], *arguments: str) -> str:
    try:
        attempt(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def connects(port: str, *_: str) -> None:
    """To a server on loopback."""
    socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()


def connects_in_a_thread(port: str, *_: str) -> None:
    """As a thread that was started later."""
    raised: list[OSError] = []

    def work() -> None:
        try:
            connects(port)
        except OSError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    for error in raised:
        raise error


def sends_a_datagram(port: str, *_: str) -> None:
    """UDP, by which names are asked for."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", int(port)))


def opens_a_unix_socket(*_: str) -> None:
    """Of the session, say."""
    socket.socket(socket.AF_UNIX).close()


def makes_a_ring(*_: str) -> None:
    """io_uring, which opens sockets and files past a filter of calls."""
    _check(_libc.syscall(_IO_URING_SETUP, 4, ctypes.create_string_buffer(120)))


def writes_outside(_: str, outside: str, *__: str) -> None:
    """Beside its own result."""
    (Path(outside) / "written").write_text("x", encoding="utf-8")


def overwrites(_: str, outside: str, *__: str) -> None:
    """A file that is there."""
    (Path(outside) / "keys.json").write_text("{}", encoding="utf-8")


def cuts(_: str, outside: str, *__: str) -> None:
    """The same by its path alone."""
    os.truncate(Path(outside) / "keys.json", 0)


def removes(_: str, outside: str, *__: str) -> None:
    """A file that is there."""
    (Path(outside) / "keys.json").unlink()


def opens_to_all(_: str, outside: str, *__: str) -> None:
    """Which Landlock does not see."""
    (Path(outside) / "keys.json").chmod(0o666)


def links(_: str, outside: str, result: str, *__: str) -> None:
    """So that the parent takes something else for the result."""
    Path(result).unlink()
    Path(result).symlink_to(Path(outside) / "keys.json")


def reads_keys(_: str, outside: str, *__: str) -> None:
    """Of the gateway."""
    (Path(outside) / "keys.json").read_text(encoding="utf-8")


def lists_folder(_: str, outside: str, *__: str) -> None:
    """To find out what there is."""
    list(Path(outside).iterdir())


def reads_environment_of_parent(*_: str) -> None:
    """Which has secrets."""
    Path(f"/proc/{os.getppid()}/environ").read_bytes()


def runs_a_program(*_: str) -> None:
    """A shell."""
    subprocess.run(["/bin/sh", "-c", "true"], check=True)


def becomes_a_program(*_: str) -> None:
    """Without another process."""
    os.execv(sys.executable, [sys.executable, "-c", ""])


def forks(*_: str) -> None:
    """To outlive its limits."""
    if (child := os.fork()) == 0:
        os._exit(0)
    os.waitpid(child, 0)


def kills_parent(*_: str) -> None:
    """Or asks whether it might."""
    os.kill(os.getppid(), 0)


def holds_parent(*_: str) -> None:
    """By another way to send signals."""
    _check(_libc.syscall(_PIDFD_OPEN, os.getppid(), 0))


def traces_parent(*_: str) -> None:
    """PTRACE_ATTACH, as debuggers do."""
    _check(_libc.ptrace(16, os.getppid(), None, None))


def limits_parent(*_: str) -> None:
    """To no open file."""
    resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (0, 0))


def types(*_: str) -> None:
    """Into the terminal of who started the mesh."""
    fcntl.ioctl(2, termios.TIOCSTI, b"x")


def leaves_namespace(*_: str) -> None:
    """CLONE_NEWUSER, which gives powers of its own."""
    _check(_libc.unshare(0x10000000))


def sees(name: str) -> str:
    """What it knows of the environment."""
    return os.environ.get(name, "") + Path("/proc/self/environ").read_text(encoding="utf-8", errors="replace")


def speaks_badly(said: str) -> None:
    """Says to the parent what was not agreed, where it listens."""
    for handle in range(3, 20):
        with contextlib.suppress(OSError):
            os.write(handle, said.encode("latin-1"))
    signal.pause()


def writes_result(result: Path, text: str) -> int:
    """What it may do; returns the bytes written."""
    return result.write_text(text, encoding="utf-8")


def _check(answer: int) -> None:
    if answer < 0:
        raise OSError(ctypes.get_errno(), "refused")
