"""The formats accepted from outside, and which of them a file has by its first bytes.

File names and announced types are never trusted. Nothing here decodes, so asking needs no decoders.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from services.base.errors import InvalidInputError
from services.media.mpeg import audio_kind, is_transport_stream

_HEAD_BYTES = 1 << 16
"""How much junk is skipped before the first frame of an MP3 or a transport stream."""


@dataclass(frozen=True)
class Format:
    """A kind of file. One with a `remedy` is recognised, but not accepted."""

    medium: str
    mime_type: str
    suffix: str
    remedy: str = ""


MP4 = Format("video", "video/mp4", ".mp4")
M4A = Format("audio", "audio/mp4", ".m4a")
MATROSKA = Format("video", "video/webm", ".webm")
WEBM_AUDIO = Format("audio", "audio/webm", ".weba")
AVI = Format("video", "video/x-msvideo", ".avi")
TRANSPORT_STREAM = Format("video", "video/mp2t", ".ts")
PROGRAM_STREAM = Format("video", "video/mpeg", ".mpg")
FLV = Format("video", "video/x-flv", ".flv")
WMV = Format("video", "video/x-ms-wmv", ".wmv")
GIF = Format("video", "image/gif", ".gif")
PNG = Format("image", "image/png", ".png")
JPEG = Format("image", "image/jpeg", ".jpg")
WEBP = Format("image", "image/webp", ".webp")
AVIF = Format("image", "image/avif", ".avif")
HEIC = Format("image", "image/heic", ".heic", "Save it as JPEG or PNG.")
WAV = Format("audio", "audio/wav", ".wav")
MP3 = Format("audio", "audio/mpeg", ".mp3")
FLAC = Format("audio", "audio/flac", ".flac")
OGG = Format("audio", "audio/ogg", ".ogg")
AAC = Format("audio", "audio/aac", ".aac")
AIFF = Format("audio", "audio/aiff", ".aiff")
CAF = Format("audio", "audio/x-caf", ".caf")
TRUETYPE = Format("font", "font/ttf", ".ttf")
OPENTYPE = Format("font", "font/otf", ".otf")
JSON = Format("json", "application/json", ".json")

TAKEN = {
    "video": "MP4, MOV, WebM, MKV, AVI, MPEG, FLV, WMV or GIF",
    "image": "PNG, JPEG, WebP or AVIF",
    "audio": "MP3, M4A, WAV, FLAC, OGG, AAC, AIFF or CAF",
    "font": "TTF or OTF",
    "json": "a JSON object",
}

DEMUXERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,gif,mp3,wav,flac,ogg,aac,aiff,caf"
"""FFmpeg's demuxers that may open a file from outside. No playlists: they name other files and addresses."""
PICTURE_DEMUXERS = "png_pipe,jpeg_pipe,webp_pipe"
PICTURE_READERS = ("PNG", "JPEG", "WEBP", "AVIF")
"""Pillow's readers that may open a picture from outside."""
_CODECS = """
h264 hevc av1 vp8 vp9 mpeg4 mpeg2video mpeg1video h263 msmpeg4v2 msmpeg4v3 wmv1 wmv2 wmv3 vc1 flv1 vp6f vp6a theora
mjpeg mjpegb prores dnxhd cfhd dvvideo svq3 qtrle png rawvideo v210 v410 r210 ffv1 huffyuv ffvhuff utvideo magicyuv gif
flashsv screenpresso tscc
mp3 mp2 mp1 aac aac_latm opus vorbis flac alac ac3 eac3 dts speex wavpack wmav1 wmav2 wmapro amr_nb amr_wb gsm
pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_u8 pcm_s8 pcm_f32le pcm_f32be pcm_f64le pcm_f64be
pcm_alaw pcm_mulaw pcm_dvd pcm_bluray adpcm_ms adpcm_ima_wav adpcm_ima_qt adpcm_swf adpcm_g722
"""
CODECS = frozenset(_CODECS.split())
"""FFmpeg's codecs that may be in them: what cameras, phones and programs write."""

_IMAGE_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), HEIC),
}
_SOUND_OF = {MP4: M4A, MATROSKA: WEBM_AUDIO}
_BOXES_AT_START = {b"moov", b"mdat", b"free", b"skip", b"wide"}  # QuickTime files need no `ftyp`
_FORMS = {b"WAVE": WAV, b"AVI ": AVI, b"WEBP": WEBP, b"AIFF": AIFF, b"AIFC": AIFF}
_SIGNATURES = (
    (b"\x1a\x45\xdf\xa3", MATROSKA),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF8", GIF),
    (b"FLV\x01", FLV),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", WMV),
    (b"\x00\x00\x01\xba", PROGRAM_STREAM),
    (b"fLaC", FLAC),
    (b"OggS", OGG),
    (b"caff", CAF),
    (b"\x00\x01\x00\x00", TRUETYPE),
    (b"true", TRUETYPE),
    (b"OTTO", OPENTYPE),
)


def sniff(path: Path, *media: str, field: str = "file") -> Format:
    """The format of the file, which must be one of `media` ("video", "image", "audio", "font", "json").

    Where audio is asked for, a video will do. Raises InvalidInputError (EMPTY_FILE, WRONG_FILE_TYPE).
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if tag := _id3_bytes(head):
            file.seek(tag)
            head = head[:10] + file.read(_HEAD_BYTES)
    taken = " or ".join(TAKEN[medium] for medium in media)
    if not head:
        raise InvalidInputError("The file is empty (0 bytes).", f"Send {taken}.", field, "EMPTY_FILE")
    found = format_of(head)
    if found and "audio" in media and found.medium == "video" and found is not GIF:
        found = _SOUND_OF.get(found) or replace(found, medium="audio")
    if found and found.medium in media and not found.remedy:
        return found
    what = "is of a type that is not accepted" if found is None else f"is {found.mime_type} by its content"
    remedy = (found and found.remedy) or f"Send {taken}."
    raise InvalidInputError(f"The file {what}.", remedy, field, "WRONG_FILE_TYPE")


def format_of(head: bytes) -> Format | None:
    """The format of a file that begins with `head`. Signatures need 64 bytes, formats without one a few thousand."""
    if head[4:8] == b"ftyp":
        return _IMAGE_BRANDS.get(head[8:12]) or (M4A if head[8:11] in {b"M4A", b"M4B"} else MP4)
    if head[4:8] in _BOXES_AT_START:
        return MP4
    if head[:4] in {b"RIFF", b"RF64", b"BW64", b"FORM"}:
        return _FORMS.get(head[8:12])
    if head[:3] == b"ID3":
        return FLAC if head[10:14] == b"fLaC" else AAC if audio_kind(head[10:]) == "aac" else MP3
    for signature, found in _SIGNATURES:
        if head.startswith(signature):
            return found
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return JSON
    if is_transport_stream(head):
        return TRANSPORT_STREAM
    return {"mp3": MP3, "aac": AAC}.get(audio_kind(head))


def _id3_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag at the start, 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
