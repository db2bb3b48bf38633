"""The knobs that all test engines share, turned by `EngineSettings.options` (VIGENT_<SERVICE>_OPTIONS as JSON)."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from services.base.errors import FailedPreconditionError
from services.enginekit.progress import Progress, read_progress

_LEAK: list[bytearray] = []
_ZEROS = bytes(2**26)


class Knobs:
    """Options of every test engine, with their defaults.

    units (5): units of a call where the request does not decide. delay_s (0): time a unit takes. gil_delay_s (0): more
    of it, in C code that keeps the GIL. end_file: between the last event and the end it waits until this is there.
    budget_s: the stall budget that the engine asks for. leak_bytes (0): memory lost in each unit.
    action (none) at unit at_unit (0): wait (in Python, obeying a cancel), hold (in Python, deaf to a cancel, until
    hold_file is there), change_phase and wait_in_vain (for ever), hang, hang_holding_gil, stop (SIGSTOP),
    stop_waiting (the same while it waits for its caller), kill (SIGKILL, as if from outside), abort, kill_but_fork
    (killed, and a child of it lives as long as the server), exit, spin (on every core), linger (goes on after the
    call), oom, oom_hang (and does not let go of its memory), cuda_oom, cuda_lost, error. only_for: only in requests
    whose text has this in it.
    once_file: only while this file does not exist; the action makes it.
    load_delay_s (0), load_action (none): the same while loading; the log says when, in seconds since 1970.
    broken_file: while it is there nothing can be loaded.
    idle_action (none): on a thread of its own, as soon as idle_file is there; it takes the file away.
    log_file: gets a line for every call ("call") and every finished unit ("unit 3").
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        self.units = int(options.get("units", "5"))
        self.delay_s = float(options.get("delay_s", "0"))
        self._gil_delay_us = int(1e6 * float(options.get("gil_delay_s", "0")))
        self._end_file = Path(options["end_file"]) if "end_file" in options else None
        self._hold_file = Path(options["hold_file"]) if "hold_file" in options else None
        self.budget_s = float(options["budget_s"]) if "budget_s" in options else None
        self._at_unit = int(options.get("at_unit", "0"))
        self._action = options.get("action", "")
        self._only_for = options.get("only_for", "")
        self._leak_bytes = int(options.get("leak_bytes", "0"))
        self._once_file = Path(options["once_file"]) if "once_file" in options else None
        self._log_file = Path(options["log_file"]) if "log_file" in options else None
        time.sleep(float(options.get("load_delay_s", "0")))
        if Path(options.get("broken_file", "/nonexistent")).exists():
            raise FailedPreconditionError("This version is broken.", "Put the old one back.")
        if "load_action" in options:
            self.log(f"{time.time()}")
            act(options["load_action"], hold_file=self._hold_file)
        if "idle_action" in options:
            work = Path(options["idle_file"]), options["idle_action"]
            threading.Thread(target=_act_later, args=work, daemon=True).start()

    def log(self, line: str) -> None:
        """Writes a line that a test can count, in one append, so that lines of several processes never mix."""
        if self._log_file is not None:
            with self._log_file.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def unit(self, number: int, progress: Progress, request: str = "") -> None:
        """Works on one unit: waits, misbehaves if told to, counts."""
        time.sleep(self.delay_s)
        ctypes.PyDLL(None).usleep(self._gil_delay_us)  # PyDLL keeps the GIL
        if self._leak_bytes:
            _LEAK.append(bytearray(os.urandom(1) * self._leak_bytes))
        if number == self._at_unit and self._only_for in request and self._first_time():
            act(self._action, progress, self._hold_file)
        progress.advance()
        self.log(f"unit {number}")

    def end(self) -> None:
        """Between the last event of a call and its end."""
        _until(self._end_file)

    def _first_time(self) -> bool:
        if self._once_file is None:
            return True
        try:
            self._once_file.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _until(file: Path | None) -> None:
    """Waits until the file is there."""
    while file is not None and not file.exists():
        time.sleep(0.02)


def _act_later(file: Path, action: str) -> None:
    _until(file)
    file.unlink()
    act(action)


def _spin() -> None:
    """Computes without end in C code that lets go of the GIL, as a numerical library does."""
    while True:
        hashlib.sha256(_ZEROS).digest()


def _linger(progress: Progress) -> None:
    """Works on once the call has ended."""
    while (now := read_progress(progress._record)) is None or now.active:
        time.sleep(0.02)
    progress.phase("linger")


class _Clinging:
    """Memory that only the collector lets go of, which then hangs."""

    itself: object

    def __del__(self) -> None:
        act("hang")


def act(action: str, progress: Progress | None = None, hold_file: Path | None = None) -> None:
    """Misbehaves."""
    match action:
        case "":
            return
        case "wait":
            while progress:
                progress.raise_if_cancelled()
                time.sleep(0.01)
        case "hold":
            _until(hold_file)
        case "change_phase":
            while progress:
                for name in ("think", "think again"):
                    progress.phase(name)
                    time.sleep(0.01)
        case "wait_in_vain":
            while progress:
                with progress.waiting():
                    pass
                time.sleep(0.01)
        case "hang":
            ctypes.CDLL(None).sleep(3600)  # CDLL lets go of the GIL
        case "hang_holding_gil":
            ctypes.PyDLL(None).sleep(3600)
        case "stop":
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread at once, then the others
        case "stop_waiting":
            with (progress or Progress()).waiting():
                act("stop")
        case "spin":
            for _ in range(2 * (os.cpu_count() or 1)):
                threading.Thread(target=_spin, daemon=True).start()
            _spin()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "abort":
            os.abort()
        case "kill_but_fork":
            server = Path(f"/proc/{os.getppid()}")
            if os.fork():
                act("kill")
            while server.exists():
                time.sleep(0.05)
            os._exit(0)
        case "exit":
            os._exit(3)
        case "linger":
            threading.Thread(target=_linger, args=(progress or Progress(),), daemon=True).start()
        case "oom":
            raise MemoryError
        case "oom_hang":
            clinging = _Clinging()
            clinging.itself = clinging
            raise MemoryError
        case "cuda_oom":
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        case "cuda_lost":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        case "error":
            raise ValueError("secret internals of the engine")
        case _:
            raise ValueError(f"no action {action!r}")
