"""Looks at videos, pictures and recordings from outside: decodes them whole, once.

Runs only in a limited child (`sandbox.run_limited`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from numpy import float32
from numpy.typing import NDArray

from gateway.library.facts import FootageFacts, SoundFacts
from gateway.library.sniff import Format
from services.base.errors import InvalidInputError

WAVEFORM_POINTS = 600
_POSTER_HEIGHT = 480
_WHOLE_SHARE = 0.9  # of the announced length; less means that the file was cut off
_LONGEST_SIDE = 8192
_LOUDNESS_RATE_HZ = 48_000
_SPEECH_RATE_HZ = 16_000
_PEAKS_PER_S = 50


def inspect_footage(path: Path, found: Format, limit_s: float) -> FootageFacts:
    """Decodes every picture, of an image its first: what cameras put behind it is none.

    Raises InvalidInputError when it is broken, cut off, too long or has no picture.
    """
    with _opened(path, found) as container:
        if not container.streams.video:
            raise InvalidInputError("The file has no picture.", "Send a video or a picture.", "file", "NO_PICTURE")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        announced_s = 0.0 if container.duration is None else container.duration / av.time_base
        _check_length(announced_s, limit_s)
        first, frames, end_s = None, 0, 0.0
        for frame in islice(container.decode(stream), 1 if found.medium == "image" else None):
            first = first or _checked_size(frame)
            frames += 1
            end_s = max(end_s, frame.time or 0.0)
            _check_length(end_s, limit_s)
        if first is None:
            raise unreadable("No picture in it can be decoded.")
        rate_hz = float(stream.average_rate or 0) if frames > 1 else 0.0
        duration_s = end_s + 1 / rate_hz if rate_hz else 0.0
        if frames > 1 and duration_s < _WHOLE_SHARE * announced_s:
            raise unreadable(f"It announces {announced_s:.1f} s, but only {duration_s:.1f} s can be decoded.")
        upright = _upright(first)
        return FootageFacts(
            width=upright.shape[1],
            height=upright.shape[0],
            frames=frames,
            frame_rate_hz=round(rate_hz, 3),
            duration_s=round(duration_s, 3),
            poster=_jpeg(upright),
        )


def inspect_sound(path: Path, found: Format, limit_s: float) -> SoundFacts:
    """Decodes all sound and measures it. Raises InvalidInputError when it is broken, cut off, too long or silent."""
    peaks: list[float] = []
    samples = 0
    metadata: dict[str, str] = {}
    with _opened(path, found) as container:
        stream = _audio_stream(container)
        announced_s = 0.0 if container.duration is None else container.duration / av.time_base
        _check_length(announced_s, limit_s)
        rate_hz, channels = stream.rate, stream.channels
        measure = f"ebur128=metadata=1:peak=true,aformat=sample_fmts=flt:sample_rates={_LOUDNESS_RATE_HZ}"
        for frame in _filtered(container, stream, measure):
            metadata = dict(frame.metadata) or metadata
            samples += frame.samples
            peaks.append(float(np.abs(frame.to_ndarray()).max(initial=0.0)))
            _check_length(samples / _LOUDNESS_RATE_HZ, limit_s)
    duration_s = samples / _LOUDNESS_RATE_HZ
    if duration_s < _WHOLE_SHARE * announced_s:
        raise unreadable(f"It announces {announced_s:.1f} s, but only {duration_s:.1f} s can be decoded.")
    loudness = float(metadata.get("lavfi.r128.I", "-inf"))
    if not samples or max(peaks) == 0.0:
        raise InvalidInputError("The file is silent.", "Send a recording with sound.", "file", "SILENT")
    true_peak = max((float(value) for key, value in metadata.items() if ".true_peaks_ch" in key), default=max(peaks))
    return SoundFacts(
        duration_s=round(duration_s, 3),
        sample_rate_hz=rate_hz,
        channels=channels,
        loudness_lufs=round(max(loudness, -70.0), 2),  # the absolute gate of BS.1770; shorter than 400 ms has none
        true_peak_dbtp=round(20 * math.log10(max(true_peak, 1e-6)), 2),
        waveform=_waveform(np.array(peaks, float32)),
    )


def decode_speech(path: Path, found: Format, limit_s: float, target: Path) -> float:
    """Writes the sound as 16 kHz mono int16 PCM to `target` and returns its length in seconds."""
    samples = 0
    with _opened(path, found) as container, target.open("wb") as file:
        stream = _audio_stream(container)
        speech = f"aformat=sample_fmts=s16:channel_layouts=mono:sample_rates={_SPEECH_RATE_HZ}"
        for frame in _filtered(container, stream, speech):
            pcm = frame.to_ndarray()
            samples += pcm.size
            _check_length(samples / _SPEECH_RATE_HZ, limit_s)
            file.write(pcm.astype("<i2").tobytes())
    return samples / _SPEECH_RATE_HZ


@contextmanager
def _opened(path: Path, found: Format) -> Iterator[av.container.InputContainer]:
    """The container; whatever FFmpeg finds wrong becomes an InvalidInputError."""
    options = {"protocol_whitelist": "file"}
    try:
        with av.open(f"file:{path}", format=found.demuxer, options=options) as container:
            yield container
    except av.FFmpegError as error:
        raise unreadable(f"Decoding ended with: {error.strerror}.") from error


def _audio_stream(container: av.container.InputContainer) -> av.AudioStream:
    if not container.streams.audio:
        raise InvalidInputError("The file has no sound.", "Send a recording.", "file", "NO_SOUND")
    return container.streams.audio[0]


def _filtered(container: av.container.InputContainer, stream: av.AudioStream, filters: str) -> Iterator[av.AudioFrame]:
    """The stream's frames through a chain of filters, cut into 50 a second so that peaks have a fixed pace."""
    graph = Graph()
    source = graph.add_abuffer(template=stream)
    chain = [*filters.split(","), f"asetnsamples=n={_LOUDNESS_RATE_HZ // _PEAKS_PER_S}:p=0"]
    nodes = [source]
    for text in chain:
        name, _, arguments = text.partition("=")
        nodes.append(graph.add(name, arguments))
    nodes.append(graph.add("abuffersink"))
    graph.link_nodes(*nodes).configure()
    for frame in container.decode(stream):
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        assert isinstance(frame, av.AudioFrame)
        yield frame


def _waveform(peaks: NDArray[float32]) -> list[float]:
    parts = np.array_split(peaks, min(WAVEFORM_POINTS, peaks.size))
    return [round(min(1.0, float(part.max())), 3) for part in parts]


def _check_length(duration_s: float, limit_s: float) -> None:
    if duration_s > limit_s:
        problem = f"The file is longer than {limit_s:g} s."
        raise InvalidInputError(problem, "Send a shorter one.", "file", "FILE_TOO_LONG")


def _checked_size(frame: VideoFrame) -> VideoFrame:
    if max(frame.width, frame.height) > _LONGEST_SIDE:
        problem = f"The picture has {frame.width} x {frame.height} pixels."
        raise InvalidInputError(problem, f"Send at most {_LONGEST_SIDE} a side.", "file", "PICTURE_TOO_LARGE")
    return frame


def _upright(frame: VideoFrame) -> NDArray[np.uint8]:
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    height = min(_POSTER_HEIGHT, rgb.shape[0]) // 2 * 2 or 2
    width = round(rgb.shape[1] * height / rgb.shape[0]) // 2 * 2 or 2
    frame = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
    encoder = av.VideoCodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuvj420p"
    encoder.time_base = Fraction(1)
    packets = encoder.encode(frame.reformat(width, height, "yuvj420p")) + encoder.encode(None)
    return b"".join(bytes(packet) for packet in packets)


def unreadable(detail: str) -> InvalidInputError:
    """The error for a file whose content is broken."""
    return InvalidInputError(
        f"The file cannot be read. {detail}",
        "Play it to see whether it is whole, then export it again.",
        "file",
        "UNREADABLE_FILE",
    )
