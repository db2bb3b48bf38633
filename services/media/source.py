"""Media files from outside, opened as untrusted: known formats only, no other file or address, typed errors."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, overload

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.format import Flags
from av.packet import Packet

from services.base.errors import InvalidInputError, VigentError
from services.media.formats import CODECS, DEMUXERS, PICTURE_DEMUXERS, TAKEN
from services.media.mpeg import top_boxes

_LOG = logging.getLogger(__name__)

BROKEN_SHARE = 0.1
"""Share of a stream's packets; a stream with more broken ones is refused."""

_WHOLE_SHARE = 0.9  # of the announced length; less means that the file was cut off
_SELF_SYNCHRONISING = {"mp3", "aac"}
"""Formats without an index: junk before and after does not belong to them, and FFmpeg's length is a guess."""
_LONGEST_GAP_S, _FURTHEST_BACK_S = 10.0, 0.1
"""Beyond these a time stamp belongs to another recording; FFmpeg's own limits (ts_discontinuity_process)."""
_DECODERS_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof"}
"""Top-level boxes of ISO base media files; junk may follow the last one."""


@dataclass
class Damage:
    """Packets of a stream, and how many of them could not be decoded and were skipped."""

    packets: int = 0
    broken: int = 0

    def notes(self, what: str) -> list[str]:
        """What a report says of it; nothing when all was well."""
        if not self.broken:
            return []
        return [f"Broken packets of {what} that were skipped: {self.broken} of {self.packets}."]


def open_source(path: Path, field: str, medium: str, *, pictures: bool = False) -> InputContainer:
    """Opens an untrusted media file; the remedy recommends formats of `medium`, "video" or "audio".

    `pictures` lets FFmpeg read them too. Raises InvalidInputError for `field`: EMPTY_FILE, CUT_FILE, UNREADABLE_FILE.
    """
    _refuse_cut(path, field)
    demuxers = f"{DEMUXERS},{PICTURE_DEMUXERS}" if pictures else DEMUXERS
    with decoding(field, medium):
        return av.open(
            f"file:{path.absolute()}",
            options={"format_whitelist": demuxers, "protocol_whitelist": "file"},
            metadata_errors="replace",  # titles come in every encoding that there ever was
        )


@contextmanager
def decoding(field: str, medium: str) -> Iterator[None]:
    """Turns decoder errors into InvalidInputError for `field`: UNREADABLE_FILE, TOO_LARGE for memory."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, MemoryError):
            problem = "The file needs more memory than there is."
            raise InvalidInputError(problem, "Send a smaller file.", field, "TOO_LARGE") from error
        problem = f"The file cannot be read as media ({error.strerror})."
        raise InvalidInputError(problem, f"Send {TAKEN[medium]}.", field, "UNREADABLE_FILE") from error
    except (VigentError, MemoryError, OSError, ImportError):
        raise
    except Exception as error:
        _LOG.warning("a decoder failed", exc_info=error)
        problem = "Something in the file makes the decoder fail."
        raise InvalidInputError(problem, "Export it again.", field, "UNREADABLE_FILE") from error


def checked_codec(stream: av.VideoStream | av.AudioStream, field: str, medium: str) -> None:
    """Raises InvalidInputError (UNREADABLE_FILE) for a stream whose codec is not on the list."""
    name = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
    if name not in CODECS:
        problem = f"The file has a codec that is not accepted ({name})."
        raise InvalidInputError(problem, f"Send {TAKEN[medium]}.", field, "UNREADABLE_FILE")


@overload
def decoded(stream: av.VideoStream, field: str, damage: Damage) -> Iterator[av.VideoFrame]: ...


@overload
def decoded(stream: av.AudioStream, field: str, damage: Damage) -> Iterator[av.AudioFrame]: ...


def decoded(stream: av.VideoStream | av.AudioStream, field: str, damage: Damage) -> Iterator[Any]:
    """The stream's frames, their times as one timeline; broken packets are skipped and counted in `damage`.

    Raises InvalidInputError for `field` (UNREADABLE_FILE) when more than BROKEN_SHARE of them are broken. Junk before
    and after a stream without an index is counted in `damage`, but not towards that share.
    """
    container = stream.container
    assert isinstance(container, InputContainer)
    raw = container.format.name in _SELF_SYNCHRONISING
    decoder = _decoder_with_alpha(stream)
    lately = junk = 0
    some = False
    for packet in _packets(container, stream):
        damage.packets += packet.size > 0
        try:
            frames = decoder.decode(packet) if decoder else packet.decode()
        except MemoryError:
            raise
        except FFmpegError:
            lately += 1
            damage.broken += 1
            continue
        if frames:
            junk += lately if raw and not some else 0
            lately, some = 0, True
        yield from frames
    junk += lately if raw else 0
    if damage.broken - junk > 1 + BROKEN_SHARE * damage.packets:
        problem = f"{damage.broken} of {damage.packets} packets cannot be decoded."
        raise InvalidInputError(problem, "Export it again.", field, "UNREADABLE_FILE")


def _decoder_with_alpha(stream: av.VideoStream | av.AudioStream) -> av.VideoCodecContext | None:
    """WebM keeps transparency beside the picture, where FFmpeg's own decoders of VP8 and VP9 leave it."""
    name = _DECODERS_WITH_ALPHA.get(stream.codec_context.codec.canonical_name)
    if name is None or ("alpha_mode", "1") not in {(key.lower(), value) for key, value in stream.metadata.items()}:
        return None
    decoder = av.VideoCodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return decoder


@dataclass(frozen=True)
class Lengths:
    """Seconds that a stream lasts by its packets, and those of the whole file. They may differ."""

    stream_s: float
    file_s: float


def measured(container: InputContainer, stream: av.VideoStream | av.AudioStream, field: str) -> Lengths:
    """How long a stream is. Files announce the length of another stream, or a guess.

    Raises InvalidInputError for `field` (CUT_FILE) when all streams end long before the announced length.
    """
    start_s, ends_s = float("inf"), {stream.index: 0.0}
    count, last_s = 0, 0.0
    for packet in _packets(container):
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None or not packet.size:
            continue
        time_base = float(packet.time_base)
        end_s = (stamp + (packet.duration or 0)) * time_base
        ends_s[packet.stream_index] = max(end_s, ends_s.get(packet.stream_index, end_s))
        if packet.stream_index == stream.index:
            start_s = min(start_s, stamp * time_base)
            count += 1
            last_s = (packet.duration or 0) * time_base
    reached_s = max(ends_s.values()) - (container.start_time or 0) / av.time_base
    announced_s = reached_s if _may_begin_anew(container) else (container.duration or 0) / av.time_base
    if container.format.name not in _SELF_SYNCHRONISING and reached_s < _WHOLE_SHARE * announced_s:
        problem = f"The file is cut off: it announces {announced_s:.1f} s and ends after {max(0.0, reached_s):.1f} s."
        raise InvalidInputError(problem, "Export or send it again.", field, "CUT_FILE")
    length_s = max(0.0, ends_s[stream.index] - min(start_s, ends_s[stream.index]))
    if not last_s and count > 1:
        length_s *= count / (count - 1)  # FLV and others do not say how long a picture lasts
    return Lengths(length_s, announced_s)


def _refuse_cut(path: Path, field: str) -> None:
    size = path.stat().st_size
    if size == 0:
        raise InvalidInputError("The file is empty (0 bytes).", "Send it again.", field, "EMPTY_FILE")
    with path.open("rb") as file:
        if file.read(8)[4:] not in _BOXES:
            return
        boxes = [box for box in top_boxes(file, size) if box.kind in _BOXES]
    end = boxes[-1].end
    if end > size:
        problem = f"The file is cut off: its data ends after {size} of {end} bytes."
    elif not any(box.kind == b"moov" for box in boxes):
        problem = "The file is cut off: its index (moov) is missing, as when a recording was not finished."
    else:
        return
    raise InvalidInputError(problem, "Export or send it again.", field, "CUT_FILE")


def _may_begin_anew(container: InputContainer) -> bool:
    """Whether time stamps of this format may jump. Its length is then no announcement but FFmpeg's own guess."""
    return bool(container.format.flags & cast("int", Flags.ts_discont.value))


def _packets(container: InputContainer, *streams: av.VideoStream | av.AudioStream) -> Iterator[Packet[Any]]:
    """The packets of `streams`, by default of all, each recording beginning where the one before it ends."""
    times: defaultdict[int, _Time] = defaultdict(_Time)
    for packet in container.demux(*streams):
        if packet.dts is not None and _may_begin_anew(container):
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
            if not -_FURTHEST_BACK_S <= late * packet.time_base <= _LONGEST_GAP_S:
                self.moved, dts = self.moved + late, dts - late
            self.step = max(dts - self.last, 0) or self.step
        self.last = packet.dts = dts
        if packet.pts is not None:
            packet.pts -= self.moved
