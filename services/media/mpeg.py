"""What MPEG's formats are made of: frames of sound, transport packets, boxes of MP4 files.

Frames and packets have no signature, so they are recognised by others that follow them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_IN_A_ROW = 3  # frames; what looks like one by chance is not followed by others
_RATES_HZ = (44_100, 48_000, 32_000)
_KBIT_S = {  # ISO/IEC 11172-3 and 13818-3, 2.4.2.3: by version (1, else 2 and 2.5) and layer
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_TS_PACKET_BYTES = (188, 192, 204)  # plain, with time codes (M2TS), with error correction
_TS_SYNC = 0x47
_TS_IN_A_ROW = 5


def audio_kind(data: bytes) -> str:
    """The kind of frames that follow each other: "mp3" (any layer of MPEG audio), "aac" (ADTS), or "" without any."""
    place = data.find(b"\xff")
    while 0 <= place < len(data) - 8:
        if kind := _run_at(data, place):
            return kind
        place = data.find(b"\xff", place + 1)
    return ""


def is_transport_stream(data: bytes) -> bool:
    """Whether packets of an MPEG transport stream follow each other, from the first sync byte on or a later one."""
    place = data.find(_TS_SYNC)
    while 0 <= place < len(data) - _TS_IN_A_ROW * _TS_PACKET_BYTES[0]:
        for size in _TS_PACKET_BYTES:
            syncs = data[place : place + size * _TS_IN_A_ROW : size]
            if syncs == bytes([_TS_SYNC]) * _TS_IN_A_ROW:
                return True
        place = data.find(_TS_SYNC, place + 1)
    return False


def _run_at(data: bytes, place: int) -> str:
    """The kind of the frames in a row from `place` on; a file may end within them."""
    kinds = set()
    for _ in range(_IN_A_ROW):
        kind, size = _frame(data[place : place + 7])
        kinds.add(kind)
        place += size
        if not size or place > len(data):
            return ""
        if place == len(data):
            break
    return kinds.pop() if len(kinds) == 1 else ""


def _frame(header: bytes) -> tuple[str, int]:
    """Kind and bytes of the frame with this header; 0 bytes when it is not one."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return "", 0
    if header[1] & 0xF6 == 0xF0:
        return "aac", (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bit_rate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bit_rate in {0, 15} or rate == 3:
        return "", 0
    rate_hz = _RATES_HZ[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits_s = _KBIT_S[1 if version == 3 else 2, layer][bit_rate - 1] * 1000
    if layer == 1:
        return "mp3", (12 * bits_s // rate_hz + padding) * 4
    return "mp3", (72 if layer == 3 and version != 3 else 144) * bits_s // rate_hz + padding


class Box(NamedTuple):
    """A box (ISO/IEC 14496-12, 4.2): its four-letter type and where it lies.

    As it says itself: its end may lie beyond the file's.
    """

    kind: bytes
    start: int
    end: int


def top_boxes(file: BinaryIO, size: int) -> Iterator[Box]:
    """The boxes at the top level of a file of `size` bytes."""
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
