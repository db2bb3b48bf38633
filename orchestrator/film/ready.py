"""Whether a clip is footage as the film needs it already, so that nothing has to be encoded again."""

from __future__ import annotations

from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from orchestrator.film.encode import FRAME_TIME
from services.media.clip import Clip
from services.media.upright import is_upright
from services.media.yuv import BT709, LIMITED_RANGE

_LONGEST_GOP_FRAMES = 16
_IDR_SLICE = 5  # ITU-T H.264, table 7-1


def ready_frames(clip: Clip, width: int, height: int) -> int:
    """Frames of a clip that `FootageReader` can read as it is; 0 when it must be conformed.

    All packets must qualify (see `ready_packets`), and each must decode to its frame.
    """
    if not is_upright(clip.first):
        return 0
    with clip.opened() as stream:
        frames = ready_packets(stream, width, height)
    return frames if frames and frames == sum(1 for _ in clip.frames()) else 0


def ready_packets(stream: VideoStream, width: int, height: int) -> int:
    """Packets of an MP4 that need not be encoded again; 0 when they must be.

    Required: H.264 4:2:0 in BT.709 limited range at the film's size, square pixels, every frame exactly 1/25 s,
    no B-frames, an IDR frame at least every 16 frames. Looks at packets only, not at what they decode to.
    """
    container = stream.container
    assert isinstance(container, InputContainer)
    if not (_is_right_picture(container, stream, width, height) and _is_constant_rate(stream)):
        return 0
    since_idr = _LONGEST_GOP_FRAMES
    frames = 0
    for packet in container.demux(stream):
        if not packet.size:
            continue
        since_idr = 0 if packet.is_keyframe and _has_idr(packet) else since_idr + 1
        if packet.pts != packet.dts or since_idr >= _LONGEST_GOP_FRAMES:
            return 0
        frames += 1
    return frames


def _is_right_picture(container: InputContainer, stream: VideoStream, width: int, height: int) -> bool:
    context = stream.codec_context
    return (
        container.format.name.startswith("mov,mp4")
        and context.name == "h264"
        and (context.width, context.height, context.pix_fmt) == (width, height, "yuv420p")
        and (context.colorspace, context.color_primaries, context.color_trc) == (BT709, BT709, BT709)
        and context.color_range == LIMITED_RANGE
        and stream.sample_aspect_ratio in (None, 0, 1)
    )


def _is_constant_rate(stream: VideoStream) -> bool:
    stamps = [entry.timestamp for entry in stream.index_entries if not entry.is_discard]
    step = FRAME_TIME / (stream.time_base or FRAME_TIME)
    return (
        len(stamps) == len(stream.index_entries)
        and step.denominator == 1
        and stamps == [stamps[0] + number * int(step) for number in range(len(stamps))]
    )


def _has_idr(packet: Packet[VideoStream]) -> bool:
    """Whether the packet of an MP4 (NAL units behind 4-byte lengths, ISO/IEC 14496-15) holds an IDR slice."""
    data, position = bytes(packet), 0
    while position + 4 < len(data):
        if data[position + 4] & 0x1F == _IDR_SLICE:
            return True
        position += 4 + int.from_bytes(data[position : position + 4])
    return False
