"""Sound kept on disk while it is worked on: read again at the cost of copying it, however long it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy import float32

from services.media.sound import SOUND_RATE_HZ, Sound

BYTES_A_SECOND = SOUND_RATE_HZ * 2 * np.dtype(float32).itemsize
"""Of stereo sound."""


class Spool:
    """Sound of one layout, as it came, in a file without a name, gone once this is closed, or in one that is given."""

    def __init__(self, folder: Path, channels: int, file: Path | None = None) -> None:
        """Keeps what it is given in `folder`, or in a `file` that is there already. Use as a context manager."""
        opened = file.open("r+b", buffering=0) if file else tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        self._file, self._channels = opened, channels

    def passing(self, blocks: Iterable[Sound]) -> Iterator[Sound]:
        """The same blocks, kept. Raises OSError when the disk is full."""
        for block in blocks:
            left = memoryview(block.T.tobytes())
            while left:
                left = left[self._file.write(left) :]
            yield block

    def blocks(self, samples: int = SOUND_RATE_HZ) -> Iterator[Sound]:
        """All that was kept, from its start, in blocks of `samples`, the last one shorter."""
        self._file.seek(0)
        while len(block := np.fromfile(self._file, float32, samples * self._channels)):
            yield np.ascontiguousarray(block.reshape(-1, self._channels).T)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
