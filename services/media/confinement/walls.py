"""The walls around a process that reads what strangers send, as far as the kernel has them."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.media.confinement.kernel import drop_capabilities, gain_no_privileges, unshare
from services.media.confinement.landlock import keep_to
from services.media.confinement.seccomp import refuse_calls

_T = TypeVar("_T")

_ROOT = Path(__file__).parents[3]
_HOUSE = ("services", "orchestrator", "gateway", "protos", "assets")
_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts", "/dev/null", "/dev/zero", "/dev/urandom"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/sys/vm", "/sys/devices/system", "/sys/fs/cgroup"),
)
_PACKAGES = {"site-packages", "dist-packages"}
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


@dataclass(frozen=True)
class Walls:
    """What is in force: `files` names what keeps a process to its files, `network` what keeps it off the network.

    Both are empty where the kernel refuses; `refusals` says why.
    """

    files: str = ""
    network: str = ""
    refusals: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.files and self.network)

    def __str__(self) -> str:
        files = f"no files but their own ({self.files})" if self.files else "all files of this user"
        network = f"no network and no other program ({self.network})" if self.network else "the network"
        refused = f"; the kernel refuses more: {'; '.join(self.refusals)}" if self.refusals else ""
        return f"read by processes that reach {files}, {network}{refused}"


def wall_in(package: str, reads: Sequence[Path], writes: Sequence[Path]) -> Walls:
    """Walls this process in for good.

    It reads Python, the system's libraries, the house, `package` and `reads`, and writes to `writes` alone. To be
    called before any thread is started and any decoder loaded: threads that run already stay outside. A namespace
    stands in where there is no filter of calls; beside one, it would keep off what cannot open a socket anyway.
    """
    refusals: list[str] = []
    _try(gain_no_privileges, refusals)
    _try(drop_capabilities, refusals)
    version = _try(lambda: keep_to([*_needed(package), *reads], writes), refusals)
    filtered = _try(refuse_calls, refusals)
    network = filtered or _try(_leave_network, refusals) or ("Landlock, TCP only" if (version or 0) >= 4 else "")
    return Walls(f"Landlock {version}" if version else "", network or "", tuple(dict.fromkeys(refusals)))


def _try(build: Callable[[], _T], refusals: list[str]) -> _T | None:
    try:
        return build()
    except OSError as error:
        refusals.append(error.strerror or str(error))
        return None


def _leave_network() -> str:
    try:
        unshare(_CLONE_NEWNET)
    except OSError:
        unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    return "a namespace"


def _needed(package: str) -> Iterator[Path]:
    """What every decoder is made of.

    Neither the folder in which the house stands nor the one where the mesh was started: its data may be there.
    """
    yield from map(Path, _SYSTEM)
    yield from (_ROOT / name for name in _HOUSE)
    yield from (Path(prefix) for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix})
    yield from (Path(entry) for entry in sys.path if Path(entry).name in _PACKAGES)
    yield from map(Path, filter(os.path.isabs, os.environ.get("LD_LIBRARY_PATH", "").split(":")))
    spec = importlib.util.find_spec(package)
    yield from map(Path, (spec and spec.submodule_search_locations) or ())
