"""Media files from outside, opened with distrust: known formats only, no other file or address, errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError

from services.base.errors import InvalidInputError
from services.media.boxes import top_boxes

VIDEO_FORMATS = "MP4, MOV, WebM, MKV, AVI, MPEG or GIF"
SOUND_FORMATS = "MP3, M4A, WAV, FLAC or OGG"
_DEMUXERS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,gif,mp3,wav,flac,ogg,aac,aiff,caf"
_BOXES_AT_START = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"}


def open_source(path: Path, field: str, formats: str) -> InputContainer:
    """Opens a media file that nobody vouches for; `formats` is what the remedy recommends.

    Raises InvalidInputError for `field`: EMPTY_FILE, CUT_FILE, UNREADABLE_FILE.
    """
    _refuse_cut(path, field)
    with decoding(field, formats):
        return av.open(
            f"file:{path.absolute()}",
            options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )


@contextmanager
def decoding(field: str, formats: str) -> Iterator[None]:
    """Turns the decoder's errors into InvalidInputError for `field`: UNREADABLE_FILE, and TOO_LARGE for memory."""
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, MemoryError):
            problem = "The file cannot be read with the memory that there is."
            raise InvalidInputError(problem, "Send a smaller file.", field, "TOO_LARGE") from error
        problem = f"The file cannot be read as media ({error.strerror})."
        raise InvalidInputError(problem, f"Send {formats}.", field, "UNREADABLE_FILE") from error


def _refuse_cut(path: Path, field: str) -> None:
    size = path.stat().st_size
    if size == 0:
        raise InvalidInputError("The file is empty (0 bytes).", "Send it again.", field, "EMPTY_FILE")
    with path.open("rb") as file:
        if file.read(8)[4:] not in _BOXES_AT_START:
            return
        boxes = list(top_boxes(file, size))
    end = boxes[-1].end
    if end > size:
        problem = f"The file is cut off: its data ends after {size} of {end} bytes."
    elif not any(box.kind == b"moov" for box in boxes):
        problem = "The file is cut off: its index (moov) is missing, as when a recording was not finished."
    else:
        return
    raise InvalidInputError(problem, "Export or send it again.", field, "CUT_FILE")
