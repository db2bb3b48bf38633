"""What processes hold and use: memory, shared pages counted once, and processor time, that of ended children too."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_BETWEEN_SAMPLES_S = 0.5  # a look at a mesh takes 50 ms of a processor

OWN_PAGES = "Pss_Anon:"


def family(roots: Iterable[int]) -> list[psutil.Process]:
    """The processes of these ids, and all that they have started and that still run."""
    parents = [psutil.Process(pid) for pid in roots]
    return [process for parent in parents for process in (parent, *parent.children(recursive=True))]


def cpu_s(roots: Iterable[int]) -> float:
    """Processor seconds of a family so far."""
    times = [process.cpu_times() for process in family(roots)]
    return sum(time.user + time.system + time.children_user + time.children_system for time in times)


def pss_mib(process: psutil.Process, pages: str = "Pss:") -> float:
    """What it holds; each page is shared out among those that have it. Nothing of one that has ended.

    `pages`: OWN_PAGES for those that are no file's, of which other programs can take no share.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        return _kib(process, "smaps_rollup", pages) / 2**10
    return 0.0


def peak_mib(process: psutil.Process) -> float:
    """The most that was resident of it at any time, or since `forget_peak`."""
    return _kib(process, "status", "VmHWM:") / 2**10


def forget_peak(process: psutil.Process) -> None:
    """From now on its peak is counted anew."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")


def _kib(process: psutil.Process, file: str, name: str) -> int:
    lines = Path(f"/proc/{process.pid}/{file}").read_text(encoding="utf-8").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


class Peak:
    """The most that a family, its short-lived children too, holds together while this context is open: `mib`."""

    def __init__(self, *roots: int, pages: str = "Pss:") -> None:
        """`roots` are the ids of processes that outlive this; `pages` as in `pss_mib`."""
        self.mib, self._pages = 0.0, pages
        self._roots, self._over = roots, threading.Event()
        self._sampler = threading.Thread(target=self._sample)

    def _sample(self) -> None:
        while not self._over.wait(_BETWEEN_SAMPLES_S):
            self.mib = max(self.mib, sum(pss_mib(each, self._pages) for each in family(self._roots)))

    def __enter__(self) -> Self:
        self._sampler.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._sampler.join()
