"""A finished film made smaller, with all that it says of itself. Runs only in a limited child."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from services.media.source import decoding
from services.media.timeline import FRAME_RATE_HZ

_CRF, _GOP_FRAMES = "18", 2 * FRAME_RATE_HZ


def refit(source: Path, target: Path, short_side_px: int) -> int:
    """Writes the film `source` to `target` with `short_side_px` for its shorter side; returns its frames.

    H.264 and the same AAC packets in a faststart MP4. Metadata stays, the record of AI-made content with it.
    """
    options = {"movflags": "faststart+use_metadata_tags"}
    with (
        decoding("film", "video"),
        av.open(str(source), metadata_errors="replace") as film,
        av.open(str(target), "w", format="mp4", options=options) as smaller,
    ):
        smaller.metadata.update(film.metadata)
        return _write(film, smaller, short_side_px)


def _write(film: InputContainer, smaller: OutputContainer, short_side_px: int) -> int:
    pictures, sounds = film.streams.video[0], film.streams.audio
    stream = _stream_like(pictures, smaller, short_side_px)
    sound = smaller.add_stream_from_template(sounds[0], opaque=True) if sounds else None
    frames = 0
    for packet in film.demux(*film.streams.video[:1], *sounds[:1]):
        if packet.stream is pictures:
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                frame.pts, frame.time_base, frame.pict_type = frames, Fraction(1, FRAME_RATE_HZ), 0
                smaller.mux(stream.encode(frame))
                frames += 1
        elif packet.size and sound is not None:
            packet.stream = sound
            smaller.mux(packet)
    smaller.mux(stream.encode(None))
    return frames


def _stream_like(pictures: VideoStream, smaller: OutputContainer, short_side_px: int) -> VideoStream:
    stream = smaller.add_stream("libx264", rate=FRAME_RATE_HZ)
    assert isinstance(stream, VideoStream)
    context, own = stream.codec_context, pictures.codec_context
    stream.width, stream.height = _size(own.width, own.height, short_side_px)
    stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, FRAME_RATE_HZ)
    context.color_primaries, context.color_trc = own.color_primaries, own.color_trc
    context.colorspace, context.color_range = own.colorspace, own.color_range
    context.gop_size = _GOP_FRAMES
    context.options = {"preset": "medium", "crf": _CRF, "profile": "high"}
    return stream


def _size(width: int, height: int, short_side_px: int) -> tuple[int, int]:
    """Even sides in the same shape."""
    scale = short_side_px / min(width, height)
    across, down = (2 * round(side * scale / 2) for side in (width, height))
    return across, down
