"""Whether an encoder really encodes here; runs only in a limited child."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from services.base.errors import FailedPreconditionError

_SIDE_PX, _RATE_HZ = 256, 48_000


def try_encoder(name: str) -> None:
    """Encodes one frame. Raises FailedPreconditionError when the encoder is not there or has no device."""
    try:
        codec = av.Codec(name, "w")
        if codec.type == "video":
            _encode_picture(name)
        else:
            _encode_sound(name)
    except (av.FFmpegError, ValueError) as error:
        raise FailedPreconditionError(f"{name}: {error}") from error


def _encode_picture(name: str) -> None:
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width = encoder.height = _SIDE_PX
    encoder.pix_fmt, encoder.framerate, encoder.time_base = "yuv420p", Fraction(25), Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(np.zeros((_SIDE_PX, _SIDE_PX, 3), np.uint8), format="rgb24")
    frame.pts = 0
    encoder.encode(frame.reformat(format="yuv420p"))
    encoder.encode(None)


def _encode_sound(name: str) -> None:
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = _RATE_HZ, "mono", "fltp"
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = _RATE_HZ, 0
    encoder.encode(frame)
    encoder.encode(None)
