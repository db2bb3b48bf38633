"""Sound as the film has it: float32 (channels, samples) at 48 kHz, in blocks; conversion to and from frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import chain, groupby
from typing import Literal, cast

import av
import numpy as np
from numpy import float32
from numpy.typing import NDArray

from services.media.timeline import samples_per_frame

SOUND_RATE_HZ = 48_000
SAMPLES_A_FRAME = samples_per_frame(SOUND_RATE_HZ)
AAC_BIT_RATE = 192_000
VOICE_AAC_BIT_RATE = 160_000
"""Of a voice alone on both channels: 44 dB from it to what coding adds. At 192 kbit/s the coder seeks for twice as long
how to use them; `twoloop` gives 40 dB there."""
AAC_OPTIONS = {"aac_coder": "fast", "aac_is": "0", "aac_tns": "0"}
"""Measured at 192 kbit/s on voice with music: 44 dB from the sound to what coding adds, 20 dB in nine of ten parts (of
43 ms and one of 24 Bark bands). FFmpeg's default, `twoloop` with intensity stereo and TNS, gives 38 and 16 dB and takes
three times as long; `fast` with intensity stereo gives 32 and 20 dB."""

Sound = NDArray[float32]
"""(channels, samples), full scale is 1.0."""
Layout = Literal["mono", "stereo"]


def audio_frame(sound: Sound, first_sample: int) -> av.AudioFrame:
    """Mono or stereo sound as a frame that begins at `first_sample` of the film."""
    layout = "mono" if len(sound) == 1 else "stereo"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE_HZ, first_sample, Fraction(1, SOUND_RATE_HZ)
    return frame


def resampled(frames: Iterable[av.AudioFrame], layout: Layout, rate_hz: int = SOUND_RATE_HZ) -> Iterator[Sound]:
    """Decoded frames as sound of one rate and layout, whatever theirs are and change to on the way.

    Mono becomes stereo at its level; libswresample would make it 3 dB softer. Samples that are no finite numbers, as
    faulty plug-ins write into float files, become silence: in a mix they would spread over all that follows.
    """
    for _, alike in groupby(frames, _kind):
        yield from _resampled_alike(alike, layout, rate_hz)


def _kind(frame: av.AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def _resampled_alike(frames: Iterator[av.AudioFrame], layout: Layout, rate_hz: int) -> Iterator[Sound]:
    first = next(frames)
    doubled = layout == "stereo" and first.layout.nb_channels == 1
    resampler = av.AudioResampler(format="fltp", layout="mono" if doubled else layout, rate=rate_hz)
    for frame in chain([first], frames, [None]):
        for made in resampler.resample(frame):
            sound = np.nan_to_num(cast("Sound", made.to_ndarray()), nan=0.0, posinf=0.0, neginf=0.0)
            yield stereo(sound) if doubled else sound


def rechunked(blocks: Iterable[Sound], samples: int) -> Iterator[Sound]:
    """The same sound in blocks of `samples`, the last one shorter."""
    waiting: list[Sound] = []
    length = 0
    for block in blocks:
        waiting.append(block)
        length += block.shape[1]
        if length < samples:
            continue
        joined = np.concatenate(waiting, axis=1)
        whole = length - length % samples
        yield from np.split(joined[:, :whole], whole // samples, axis=1)
        waiting, length = [joined[:, whole:]], length - whole
    if length:
        yield np.concatenate(waiting, axis=1)


def ahead(blocks: Iterable[Sound]) -> Iterator[Sound]:
    """The same sound; the next block is made in a thread of its own while this one is used."""
    source = iter(blocks)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(lambda: next(source, None))
        while (block := coming.result()) is not None:
            coming = thread.submit(lambda: next(source, None))
            yield block


def fitted(blocks: Iterable[Sound], samples: int) -> Iterator[Sound]:
    """The same sound, which may have no end, cut or padded with silence to `samples`."""
    channels, left = 1, samples
    for block in blocks:
        channels = len(block)
        yield block[:, :left]
        left -= min(left, block.shape[1])
        if not left:
            return
    yield np.zeros((channels, left), float32)


def amplitude(level_db: float) -> float:
    """Factor of a level in decibels; -inf gives 0."""
    return float(10 ** (level_db / 20))


def at_samples(values: NDArray[float32], hop_samples: int, first_sample: int, samples: int) -> NDArray[float32]:
    """Values given at the middle of each hop, interpolated linearly for a block of samples."""
    first, end = max(0, first_sample // hop_samples - 1), (first_sample + samples) // hop_samples + 2
    near = values[first:end]
    places = (np.arange(samples) + (first_sample - first * hop_samples + 0.5)) / hop_samples - 0.5
    return np.interp(places, np.arange(len(near)), near).astype(float32)


def stereo(mono: Sound) -> Sound:
    """The same sound on both channels, at the same level on each."""
    return np.repeat(mono, 2, axis=0)
