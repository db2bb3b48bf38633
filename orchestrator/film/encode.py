"""How pictures are encoded: the same for every segment of a film, so that segments join by copying packets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from services.enginekit.cores import usable_cores
from services.media.timeline import FRAME_RATE_HZ
from services.media.yuv import BT709, LIMITED_RANGE, new_frame, planes_of

FRAME_TIME = Fraction(1, FRAME_RATE_HZ)
"""Time base of every picture stream: one tick is one frame."""
FOOTAGE_GOP_FRAMES = 12
"""Short, because footage is read backwards GOP by GOP."""
FILM_GOP_FRAMES = 2 * FRAME_RATE_HZ
B_FRAMES = 2
REORDER_FRAMES = 2
"""Frames by which decoding runs ahead of showing, with two B-frames of which one may be a reference."""


@dataclass(frozen=True)
class EncoderSettings:
    """Encoder, speed and quality. `h264_nvenc` falls back to `libx264` where there is no device for it.

    `crf` is x264's constant rate factor (0 best to 51), used as `cq` by NVENC; `threads` 0: one a core that this
    process may use, which in a container are fewer than the machine's that x264 would count.
    """

    codec: str = "libx264"
    preset: str = "veryfast"
    crf: int = 20
    threads: int = 0

    def resolved_codec(self) -> str:
        """The encoder that is used on this machine."""
        return "h264_nvenc" if self.codec == "h264_nvenc" and has_nvenc() else "libx264"


DEFAULT_ENCODER = EncoderSettings()
FOOTAGE_ENCODER = EncoderSettings(crf=12)


def add_film_stream(container: OutputContainer, width: int, height: int, settings: EncoderSettings) -> VideoStream:
    """The picture stream of a segment: closed GOPs of at most two seconds, two B-frames."""
    return _add_stream(container, width, height, settings, FILM_GOP_FRAMES, B_FRAMES)


def add_footage_stream(container: OutputContainer, width: int, height: int) -> VideoStream:
    """The picture stream of conformed footage: closed GOPs of 12 frames, no B-frames."""
    return _add_stream(container, width, height, FOOTAGE_ENCODER, FOOTAGE_GOP_FRAMES, 0)


@cache
def has_nvenc() -> bool:
    """Whether an NVENC device encodes a frame; the wheel has the encoder on every machine."""
    context = av.CodecContext.create("h264_nvenc", "w")
    context.width, context.height, context.pix_fmt, context.time_base = 256, 256, "yuv420p", FRAME_TIME
    frame = new_frame(256, 256)
    for plane in planes_of(frame):
        plane.fill(128)
    try:
        context.encode(frame)
    except FFmpegError:
        return False
    return True


def _add_stream(
    container: OutputContainer, width: int, height: int, settings: EncoderSettings, gop_frames: int, b_frames: int
) -> VideoStream:
    codec = settings.resolved_codec()
    stream = container.add_stream(codec, rate=FRAME_RATE_HZ)
    assert isinstance(stream, VideoStream)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = FRAME_TIME
    context = stream.codec_context
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    context.gop_size, context.max_b_frames, context.thread_count = (
        gop_frames,
        b_frames,
        settings.threads or usable_cores(),
    )
    context.options = _nvenc_options(settings) if codec == "h264_nvenc" else _x264_options(settings)
    return stream


def _x264_options(settings: EncoderSettings) -> dict[str, str]:
    return {"preset": settings.preset, "crf": str(settings.crf), "flags": "+cgop", "profile": "high"}


def _nvenc_options(settings: EncoderSettings) -> dict[str, str]:
    return {"preset": "p4", "rc": "vbr", "cq": str(settings.crf), "b": "0", "b_ref_mode": "middle", "profile": "high"}
