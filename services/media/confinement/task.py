"""What a limited child is to do, and how much it may use."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Limits:
    """What the child may use; `written_bytes` is the largest file that it may write.

    For longer than `stall_s` it may not do without both computing and telling progress.
    """

    wall_s: float = 900.0
    stall_s: float = 30.0
    cpu_s: int = 1800
    memory_bytes: int = 4 << 30
    written_bytes: int = 64 << 30

    def hold(self) -> None:
        """Limits this process for good."""
        resource.setrlimit(resource.RLIMIT_CPU, (self.cpu_s, self.cpu_s + 1))
        resource.setrlimit(resource.RLIMIT_AS, (self.memory_bytes, self.memory_bytes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.written_bytes, self.written_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@dataclass(frozen=True)
class Task:
    """A function, "module:name", and the files that it may read and write; `field` is what its limits are told of.

    `pickled` are its arguments and options, which may need decoders to be understood, and wait until the walls stand.
    """

    function: str
    pickled: bytes
    limits: Limits = Limits()
    field: str = "file"
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    tells_progress: bool = False
    walled: bool = True

    @property
    def package(self) -> str:
        """The outermost one of the function's."""
        return self.function.partition(":")[0].partition(".")[0]
