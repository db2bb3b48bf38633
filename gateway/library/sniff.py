"""What a file is by its first bytes; names and announced types are never believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.base.errors import InvalidInputError

_HEAD_BYTES = 64


@dataclass(frozen=True)
class Format:
    """A kind of file that we take. `demuxer` is FFmpeg's name; naming it keeps FFmpeg from guessing a playlist."""

    medium: str
    mime_type: str
    suffix: str
    demuxer: str = ""


MP4 = Format("video", "video/mp4", ".mp4", "mov")
M4A = Format("audio", "audio/mp4", ".m4a", "mov")
MATROSKA = Format("video", "video/webm", ".webm", "matroska")
WEBM_AUDIO = Format("audio", "audio/webm", ".weba", "matroska")
AVI = Format("video", "video/x-msvideo", ".avi", "avi")
PNG = Format("image", "image/png", ".png", "png_pipe")
JPEG = Format("image", "image/jpeg", ".jpg", "jpeg_pipe")
WEBP = Format("image", "image/webp", ".webp", "webp_pipe")
WAV = Format("audio", "audio/wav", ".wav", "wav")
MP3 = Format("audio", "audio/mpeg", ".mp3", "mp3")
FLAC = Format("audio", "audio/flac", ".flac", "flac")
OGG = Format("audio", "audio/ogg", ".ogg", "ogg")
AAC = Format("audio", "audio/aac", ".aac", "aac")
TRUETYPE = Format("font", "font/ttf", ".ttf")
OPENTYPE = Format("font", "font/otf", ".otf")
JSON = Format("json", "application/json", ".json")

_SOUND_OF = {MP4: M4A, MATROSKA: WEBM_AUDIO}  # where sound is asked for, the sound of a clip will do

TAKEN = {
    "video": "MP4, MOV, WebM, MKV or AVI",
    "image": "PNG, JPEG or WebP",
    "audio": "WAV, MP3, M4A, FLAC, OGG or AAC",
    "font": "TTF or OTF",
    "json": "a JSON object",
}


def sniff(path: Path, *media: str) -> Format:
    """The format of the file, which must be one of `media` ("video", "image", ...). Raises InvalidInputError."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    taken = " or ".join(TAKEN[medium] for medium in media)
    if not head:
        raise InvalidInputError("The file is empty.", f"Send {taken}.", "file", "EMPTY_FILE")
    found = format_of(head)
    if "audio" in media and found in _SOUND_OF:
        found = _SOUND_OF[found]
    if found is not None and found.medium in media:
        return found
    what = "is nothing that is taken here" if found is None else f"is {found.mime_type} by its content"
    raise InvalidInputError(f"The file {what}.", f"Send {taken}.", "file", "WRONG_FILE_TYPE")


def format_of(head: bytes) -> Format | None:
    """The format whose signature `head` begins with (64 bytes are enough)."""
    if head[4:8] == b"ftyp":
        return M4A if head[8:11] in {b"M4A", b"M4B"} else MP4
    if head[:4] == b"RIFF":
        return {b"WAVE": WAV, b"AVI ": AVI, b"WEBP": WEBP}.get(head[8:12])
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:  # MPEG audio frame sync; layer 0 is ADTS
        return AAC if head[1] & 0x06 == 0 else MP3
    return JSON if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else None


_SIGNATURES = (
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"ID3", MP3),
    (b"fLaC", FLAC),
    (b"OggS", OGG),
    (b"\x00\x01\x00\x00", TRUETYPE),
    (b"true", TRUETYPE),
    (b"OTTO", OPENTYPE),
)
