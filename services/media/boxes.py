"""Boxes of ISO base media files (ISO/IEC 14496-12, 4.2), at the top level only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


class Box(NamedTuple):
    """A box's four-letter type and where it lies, by what it says of itself: the end may lie beyond the file's."""

    kind: bytes
    start: int
    end: int


def top_boxes(file: BinaryIO, size: int) -> Iterator[Box]:
    """The boxes of a file of `size` bytes."""
    start = 0
    while start < size:
        file.seek(start)
        header = file.read(16)
        length = int.from_bytes(header[:4])
        if length == 1:
            length = int.from_bytes(header[8:])
        elif length == 0:
            length = size - start
        end = start + max(length, 8)
        yield Box(header[4:8], start, end)
        start = end
