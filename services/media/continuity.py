"""Time stamps that begin anew on the way, as in a transport stream of two recordings joined, as one timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import av
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet

LONGEST_GAP_S, FURTHEST_BACK_S = 10.0, 0.1
"""Beyond these a time stamp belongs to another recording; FFmpeg's own limits (ts_discontinuity_process)."""


def may_begin_anew(container: InputContainer) -> bool:
    """Whether time stamps of this format may jump. Its length is then no announcement but FFmpeg's own guess."""
    return bool(container.format.flags & cast("int", Flags.ts_discont.value))


def packets(container: InputContainer, *streams: av.VideoStream | av.AudioStream) -> Iterator[Packet[Any]]:
    """The packets of `streams`, by default of all, each recording beginning where the one before it ends."""
    times: defaultdict[int, _Time] = defaultdict(_Time)
    for packet in container.demux(*streams):
        if packet.dts is not None and may_begin_anew(container):
            times[packet.stream_index].place(packet)
        yield packet


@dataclass
class _Time:
    """Where one stream is, in units of its time base."""

    last: int | None = None
    step: int = 0
    moved: int = 0

    def place(self, packet: Packet[Any]) -> None:
        """Moves the time stamps of the stream's next packet."""
        assert packet.dts is not None
        dts = packet.dts - self.moved
        if self.last is not None:
            late = dts - (self.last + self.step)
            if not -FURTHEST_BACK_S <= late * packet.time_base <= LONGEST_GAP_S:
                self.moved, dts = self.moved + late, dts - late
            self.step = max(dts - self.last, 0) or self.step
        self.last = packet.dts = dts
        if packet.pts is not None:
            packet.pts -= self.moved
