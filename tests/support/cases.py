"""Files as people have them: those of tests/cases, and more that are made here."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.support.pictures import numbered_picture, write_clip
from tests.support.sounds import write_music

CASES = Path(__file__).parents[1] / "cases"
GBK = "讲解员的短片".encode("gbk")
LATIN_1 = "Für Élise, à côté".encode("latin-1")
_MUSIC_S, _CLIP_S, _MARKER = 3.0, 1.2, "TITLE BY A TEST"
_RATE_HZ = 44_100
RANDOM = np.random.default_rng(5)


@dataclass(frozen=True)
class Case:
    """A file that is taken: how it is made, its length in seconds, and words of what is told of it."""

    make: Callable[[Path], Path]
    duration_s: float
    told: str = ""


def given(name: str) -> Callable[[Path], Path]:
    return lambda _: CASES / name


def pictures() -> list[np.ndarray]:
    return [numbered_picture(number) for number in range(round(_CLIP_S * 25))]


def encoded(path: Path, codec: str, pix_fmt: str = "yuv420p", title: str = "") -> Path:
    """1.2 s of numbered pictures."""
    with av.open(str(path), "w") as container:
        if title:
            container.metadata["title"] = title
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 192, 320, pix_fmt
        for number, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def clip(suffix: str, codec: str = "libx264") -> Callable[[Path], Path]:
    return lambda folder: encoded(folder / f"clip.{suffix}", codec)


def joined(*begins_s: float) -> Callable[[Path], Path]:
    """Transport streams of picture and sound one after the other, each with time stamps from another second on."""

    def make(folder: Path) -> Path:
        path = folder / "joined.ts"
        path.write_bytes(b"".join(recording(folder / f"{begin_s}.ts", begin_s).read_bytes() for begin_s in begins_s))
        return path

    return make


def recording(path: Path, begin_s: float) -> Path:
    """1.2 s of numbered pictures and a tone; pictures are reordered, as cameras do."""
    with av.open(str(path), "w", format="mpegts") as container:
        picture, sound = container.add_stream("libx264", rate=25), container.add_stream("aac", rate=_RATE_HZ)
        picture.width, picture.height, picture.pix_fmt = 192, 320, "yuv420p"
        for number, image in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = number + round(begin_s * 25)
            container.mux(picture.encode(frame))
        tone = np.sin(np.arange(round(_CLIP_S * _RATE_HZ)) / 20, dtype=np.float32)[None]
        heard = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        heard.rate, heard.pts = _RATE_HZ, round(begin_s * _RATE_HZ)
        container.mux(sound.encode(heard))
        for stream in (picture, sound):
            container.mux(stream.encode(None))
    return path


def titled_clip(suffix: str, codec: str, title: bytes) -> Callable[[Path], Path]:
    return lambda folder: retitled(encoded(folder / f"clip.{suffix}", codec, title=_MARKER), title)


def retitled(path: Path, title: bytes) -> Path:
    """No library writes a title that is not UTF-8."""
    whole = path.read_bytes()
    assert _MARKER.encode() in whole
    path.write_bytes(whole.replace(_MARKER.encode(), title[: len(_MARKER)].ljust(len(_MARKER), b"x")))
    return path


def titled_copy(source: Path, target: Path, title: bytes) -> Path:
    """The same packets under a title."""
    with av.open(str(source)) as container, av.open(str(target), "w") as copy:
        copy.metadata["title"] = _MARKER
        stream = copy.add_stream_from_template(container.streams.video[0], opaque=True)
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                copy.mux(packet)
    return retitled(target, title)


def junk_around(make: Callable[[Path], Path], before: bytes = b"", behind: bytes = b"") -> Callable[[Path], Path]:
    def made(folder: Path) -> Path:
        path = make(folder)
        path.write_bytes(before + path.read_bytes() + behind)
        return path

    return made


def noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(1).normal(size=(2, round(_RATE_HZ * _MUSIC_S)))


def music(suffix: str, codec: str) -> Callable[[Path], Path]:
    return lambda folder: write_music(folder / f"music.{suffix}", noise(), codec=codec)


def changing(*parts: tuple[str, int]) -> Callable[[Path], Path]:
    """AAC of one second for each layout and rate, as radio stations switch between programmes."""

    def make(folder: Path) -> Path:
        path = folder / "changing.aac"
        path.write_bytes(b"".join(_second(folder / f"{number}.aac", *part) for number, part in enumerate(parts)))
        return path

    return make


def _second(path: Path, layout: str, rate_hz: int) -> bytes:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=rate_hz, layout=layout)
        pcm = 0.1 * np.random.default_rng(rate_hz).normal(size=(stream.layout.nb_channels, rate_hz))
        frame = av.AudioFrame.from_ndarray(pcm.astype(np.float32), format="fltp", layout=layout)
        frame.rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def junk_between(folder: Path) -> Path:
    path = music("mp3", "mp3")(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:20_000] + np.random.default_rng(6).bytes(6_000) + whole[20_000:])
    return path


def wav(
    announced_bytes: int | None = None,
    *,
    long: bool = False,
    tags: bytes = b"",
    channels: int = 2,
    rate_hz: int = _RATE_HZ,
) -> Callable[[Path], Path]:
    """16-bit stereo whose header may say something else; `long` makes it an RF64."""

    def make(folder: Path) -> Path:
        pcm = (noise().T * 32767).astype("<i2").tobytes()
        size = len(pcm) if announced_bytes is None else announced_bytes
        riff = struct.pack("<4sI4s", b"RF64" if long else b"RIFF", min(size + 36, 2**32 - 1), b"WAVE")
        sizes = struct.pack("<4sIQQQI", b"ds64", 28, len(pcm) + 72, len(pcm), len(pcm) // 4, 0) if long else b""
        format_ = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, _RATE_HZ * 4, 4, 16)
        path = folder / "sound.wav"
        path.write_bytes(riff + sizes + format_ + struct.pack("<4sI", b"data", size) + pcm + tags)
        return path

    return make


def info_chunk(title: bytes) -> bytes:
    title += bytes(1 + len(title) % 2)
    return struct.pack("<4sI4s4sI", b"LIST", 12 + len(title), b"INFO", b"INAM", len(title)) + title


def id3v1(title: bytes, artist: bytes) -> bytes:
    return b"TAG" + title.ljust(30, b"\0") + artist.ljust(30, b"\0") + bytes(30) + b"2001" + bytes(31)


def id3v2(frame: bytes, content: bytes) -> bytes:
    """A tag of version 2.3 with one frame, such as b"TIT2"."""
    body = frame + struct.pack(">I2x", len(content)) + content
    return b"ID3\3\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def ape(title: bytes) -> bytes:
    item = struct.pack("<II", len(title), 0) + b"Title\0" + title
    return item + b"APETAGEX" + struct.pack("<IIII8x", 2000, len(item) + 32, 1, 0)


def titled_music(suffix: str, codec: str, title: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        with av.open(str(music(suffix, codec)(folder))) as container:
            path = folder / f"titled.{suffix}"
            with av.open(str(path), "w") as copy:
                copy.metadata["title"] = _MARKER
                stream = copy.add_stream_from_template(container.streams.audio[0])
                for packet in container.demux(audio=0):
                    if packet.size:
                        packet.stream = stream
                        copy.mux(packet)
        return retitled(path, title)

    return make


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A picture with these chunks behind its header."""
    file = io.BytesIO()
    Image.fromarray(numbered_picture(5)).save(file, "PNG")
    told = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return file.getvalue()[:33] + b"".join(told) + file.getvalue()[33:]


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    """A picture with these segments, by the second byte of their marker, behind its start."""
    file = io.BytesIO()
    Image.fromarray(numbered_picture(5)).save(file, "JPEG", quality=95)
    told = [struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments]
    return file.getvalue()[:2] + b"".join(told) + file.getvalue()[2:]


def turned(orientation: int) -> bytes:
    return b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + struct.pack("<H6x", orientation)


def gif(folder: Path) -> Path:
    return encoded(folder / "clip.gif", "gif", "rgb8")


FOOTAGE = {
    "sound longer than the picture": Case(given("long_audio.mp4"), 4.0, "its picture 4.0 s"),
    "subtitles longer than the picture": Case(given("sub.mkv"), 4.0, "its picture 4.0 s"),
    "one broken packet": Case(given("onebad.mp4"), 4.0, "skipped: 1 of 120"),
    "transport stream": Case(clip("ts"), _CLIP_S),
    "transport stream behind junk": Case(junk_around(clip("ts"), before=bytes(100) + b"Gjunk" * 30), _CLIP_S),
    "transport streams joined": Case(joined(0, 0), 2 * _CLIP_S),
    "transport streams joined, the later first": Case(joined(500, 20), 2 * _CLIP_S),
    "transport streams joined, the other much later": Case(joined(3, 80_000, 7), 3 * _CLIP_S),
    "program stream": Case(clip("mpg", "mpeg2video"), _CLIP_S),
    "flash video": Case(clip("flv", "flv"), _CLIP_S),
    "windows media": Case(clip("wmv", "wmv2"), _CLIP_S),
    "webm": Case(clip("webm", "libvpx-vp9"), _CLIP_S),
    "gif": Case(gif, _CLIP_S),
    "junk behind an mp4": Case(junk_around(clip("mp4"), behind=b"not a box " * 300), _CLIP_S),
    "junk behind a mkv": Case(junk_around(clip("mkv"), behind=b"no element " * 300), _CLIP_S),
    **{f"gbk title of {kind}": Case(titled_clip(kind, "libx264", GBK), _CLIP_S) for kind in ("mp4", "mov", "mkv")},
    **{
        f"gbk title of {kind}": Case(titled_clip(kind, codec, GBK), _CLIP_S)
        for kind, codec in (("webm", "libvpx"), ("ts", "libx264"), ("flv", "flv"))
    },
    "latin-1 title of avi": Case(titled_clip("avi", "mpeg4", LATIN_1), _CLIP_S),
}
MUSIC = {
    "variable rate without a length": Case(given("vbr_noxing.mp3"), 30.04),
    "two rates": Case(given("mixrate.mp3"), 40.08),
    "mono, then stereo": Case(changing(("mono", 44_100), ("stereo", 44_100), ("mono", 44_100)), 3.1),
    "surround, then stereo": Case(changing(("5.1", 48_000), ("stereo", 48_000), ("stereo", 48_000)), 3.1),
    "another rate and layout each time": Case(changing(("mono", 22_050), ("stereo", 48_000), ("5.1", 44_100)), 3.1),
    "junk behind an mp3": Case(given("junktail.mp3"), 20.01, "skipped: 9 of"),
    "noise before an mp3": Case(junk_around(music("mp3", "mp3"), before=RANDOM.bytes(3000)), _MUSIC_S),
    "zeros before an mp3": Case(junk_around(music("mp3", "mp3"), before=bytes(5000)), _MUSIC_S),
    "junk between frames of an mp3": Case(junk_between, _MUSIC_S, "skipped: "),
    "id3v1 in latin-1 and gbk": Case(junk_around(music("mp3", "mp3"), behind=id3v1(LATIN_1, GBK)), _MUSIC_S),
    "wav info in gbk": Case(wav(tags=info_chunk(GBK)), _MUSIC_S),
    **{
        f"gbk title of {kind}": Case(titled_music(kind, codec, GBK), _MUSIC_S)
        for kind, codec in (("flac", "flac"), ("aiff", "pcm_s16be"), ("m4a", "aac"), ("mka", "aac"))
    },
    **{
        f"id3v2 with {what}": Case(junk_around(music("mp3", "mp3"), before=id3v2(frame, content)), _MUSIC_S)
        for what, frame, content in (
            ("half a surrogate pair", b"TIT2", b"\1\xff\xfe\x00\xd8a\x00"),
            ("an odd number of bytes", b"TIT2", b"\1\xff\xfea\0b"),
            ("an unknown encoding", b"TIT2", b"\x09abc"),
            ("a picture that is none", b"APIC", b"\0image/png\0\3\0junk"),
        )
    },
    "ape tag in gbk": Case(junk_around(music("mp3", "mp3"), behind=ape(GBK)), _MUSIC_S, "skipped: 1 of"),
    "wav of length 0": Case(wav(0), _MUSIC_S),
    "wav of endless length": Case(wav(2**32 - 1), _MUSIC_S),
    "rf64": Case(wav(2**32 - 1, long=True), _MUSIC_S),
    "aiff": Case(music("aiff", "pcm_s16be"), _MUSIC_S),
    "caf": Case(music("caf", "pcm_s16be"), _MUSIC_S),
    "adts": Case(music("aac", "aac"), _MUSIC_S),
    "sound of a transport stream": Case(music("ts", "aac"), _MUSIC_S),
    "sound of transport streams joined": Case(joined(500, 20, 9_000), 3.69),
    "sound of a clip": Case(given("long_audio.mp4"), 9.0),
}


PICTURES = {
    "png with text in gbk": png((b"tEXt", b"Title\0" + GBK)),
    "png with much text": png((b"zTXt", b"prompt\0\0" + zlib.compress(bytes(3_000_000)))),
    "png with broken text": png((b"iTXt", b"k\0\1\0\0\0\xff\xfe\xff")),
    "png with a profile that is none": png((b"iCCP", b"x\0\0" + zlib.compress(b"no profile"))),
    "png with exif that is none": png((b"eXIf", b"junk")),
    "png of endless resolution": png((b"pHYs", struct.pack(">IIB", 2**32 - 1, 1, 1))),
    "jpeg with half of its exif": jpeg((0xE1, b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12\x01")),
    "jpeg turned by 99": jpeg((0xE1, turned(99))),
    "jpeg with a comment in gbk": jpeg((0xFE, GBK)),
    "jpeg with a profile that is none": jpeg((0xE2, b"ICC_PROFILE\0\2\1junk")),
    "jpeg with an entity in its xmp": jpeg(
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<!DOCTYPE a [<!ENTITY b 'c'>]><x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    ),
}
"""Whole pictures, whatever they say of themselves."""


def mostly_broken(folder: Path) -> Path:
    """Every fifth packet of the picture is zeros."""
    path = write_clip(folder / "clip.mp4", pictures(), options={"x264-params": "keyint=1"})
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for position, size in packets[2::5]:
        content[position : position + size] = bytes(size)
    path.write_bytes(content)
    return path


def cut_mkv(folder: Path) -> Path:
    path = write_clip(folder / "clip.mkv", pictures() * 4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def short_music(folder: Path) -> Path:
    return write_music(folder / "music.flac", noise()[:, : round(1.5 * _RATE_HZ)])


def silent_music(folder: Path) -> Path:
    return write_music(folder / "music.flac", 0 * noise())


REFUSED_FOOTAGE = {
    "a photograph in tiles": (given("grid.heic"), "WRONG_FILE_TYPE", "image/heic"),
    "many broken packets": (mostly_broken, "UNREADABLE_FILE", "6 of 30 packets"),
    "cut off": (cut_mkv, "CUT_FILE", "announces 4.8 s"),
    "sound alone": (music("mkv", "aac"), "NO_PICTURE", "no picture"),
}
REFUSED_MUSIC = {
    "a photograph in tiles": (given("grid.heic"), "WRONG_FILE_TYPE", "image/heic"),
    "no channels": (wav(channels=0), "UNREADABLE_FILE", "0 channels"),
    "no rate": (wav(rate_hz=0), "UNREADABLE_FILE", "cannot be read"),
    "too short": (short_music, "TOO_SHORT", "shorter than 2 s"),
    "silent": (silent_music, "SILENT", "silent"),
    "picture alone": (clip("mp4"), "NO_SOUND", "no sound"),
    "gif": (gif, "WRONG_FILE_TYPE", "image/gif"),
}
