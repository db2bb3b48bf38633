"""Music for as long as the film needs it: decoded as it is heard, looped with a crossfade, faded in and out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy import float32

from services.base.errors import InvalidInputError
from services.media.sound import SOUND_RATE_HZ, Sound, fitted, rechunked, resampled, stereo
from services.media.source import SOUND_FORMATS, decoding, open_source

FIELD = "spec.music"
LOOP_FADE_S = 1.0
"""The last second of a track is heard over its first one where it starts again."""
FADE_IN_S, FADE_OUT_S = 0.8, 2.5
_LOOP_FADE = int(LOOP_FADE_S * SOUND_RATE_HZ)
_SHORTEST_S = 2.0


def music_blocks(path: Path, samples: int, start_s: float = 0.0) -> Iterator[Sound]:
    """Stereo sound of exactly `samples` from second `start_s` on, fading in at the start and out towards the end.

    Raises InvalidInputError (field "spec.music"; EMPTY_FILE, CUT_FILE, UNREADABLE_FILE, NO_SOUND, TOO_SHORT).
    """
    place = 0
    for block in fitted(_without_beginning(_looped(path), round(start_s * SOUND_RATE_HZ)), samples):
        yield block * _fades(place, block.shape[1], samples)
        place += block.shape[1]


def _fades(place: int, length: int, samples: int) -> Sound:
    time = np.arange(place, place + length, dtype=float32)
    rise, fall = (min(seconds * SOUND_RATE_HZ, samples / 2) for seconds in (FADE_IN_S, FADE_OUT_S))
    gain = np.minimum(time / rise, (samples - time) / fall)
    faded: Sound = np.sin(np.pi / 2 * np.clip(gain, 0, 1), dtype=float32)
    return faded


def _without_beginning(blocks: Iterable[Sound], samples: int) -> Iterator[Sound]:
    for block in blocks:
        yield block[:, samples:]
        samples -= min(samples, block.shape[1])


def _looped(path: Path) -> Iterator[Sound]:
    """The track again and again; the end of one pass is kept back until the start of the next is there."""
    end = yield from _all_but_the_end(_decoded(path))
    while True:
        end = yield from _all_but_the_end(_beginning_under(end, _decoded(path)))


def _all_but_the_end(blocks: Iterable[Sound]) -> Generator[Sound, None, Sound]:
    held = np.empty((2, 0), float32)
    for block in blocks:
        held = np.concatenate([held, block], axis=1)
        yield held[:, :-_LOOP_FADE]
        held = held[:, -_LOOP_FADE:]
    return held


def _beginning_under(end: Sound, blocks: Iterable[Sound]) -> Iterator[Sound]:
    """Sound whose first second is crossfaded with `end`."""
    whole = rechunked(blocks, _LOOP_FADE)
    yield crossfade(end, next(whole))
    yield from whole


def crossfade(end: Sound, start: Sound) -> Sound:
    """From `end` to `start` at constant power, whether they differ or are the same music (as in a track that loops)."""
    fade = ((np.arange(end.shape[1]) + 0.5) / end.shape[1]).astype(float32)
    power = float(np.sqrt(np.sum(end**2) * np.sum(start**2)))
    likeness = max(0.0, float(np.sum(end * start)) / power) if power else 0.0
    faded: Sound = end * (1 - fade) + start * fade
    faded /= np.sqrt((1 - fade) ** 2 + fade**2 + 2 * likeness * fade * (1 - fade))
    return faded


def _decoded(path: Path) -> Iterator[Sound]:
    samples = 0
    for block in rechunked(_decoded_frames(path), _LOOP_FADE):
        samples += block.shape[1]
        yield block
    if samples < _SHORTEST_S * SOUND_RATE_HZ:
        raise _error("TOO_SHORT", f"The music is shorter than {_SHORTEST_S:g} s.", "Choose a longer track.")


def _decoded_frames(path: Path) -> Iterator[Sound]:
    with open_source(path, FIELD, SOUND_FORMATS) as container, decoding(FIELD, SOUND_FORMATS):
        if not container.streams.audio:
            raise _error("NO_SOUND", "The file has no sound.", f"Send {SOUND_FORMATS}.")
        stream = container.streams.audio[0]
        frames = _frames(container.demux(stream))
        if stream.codec_context.channels == 1:
            yield from map(stereo, resampled(frames, "mono"))
        else:
            yield from resampled(frames, "stereo")


def _frames(packets: Iterable[av.Packet[av.AudioStream]]) -> Iterator[av.AudioFrame]:
    """Frames of one kind. A packet that is broken, or says it is of another kind, is a click, not the end of it all."""
    first = None
    for packet in packets:
        try:
            frames = packet.decode()
        except MemoryError:
            raise
        except FFmpegError:
            continue
        for frame in frames:
            kind = frame.format.name, frame.layout.name, frame.sample_rate
            first = first or kind
            if kind == first:
                yield frame


def _error(reason: str, problem: str, remedy: str) -> InvalidInputError:
    return InvalidInputError(problem, remedy, FIELD, reason)
