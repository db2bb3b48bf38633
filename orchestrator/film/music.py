"""Music for as long as the film needs it: decoded as it is heard, looped with a crossfade, faded in and out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import float32

from services.media.recording import Recording, audible, check_music_length
from services.media.sound import SOUND_RATE_HZ, Sound, fitted, rechunked

FIELD = "spec.music"
LOOP_FADE_S = 1.0
"""Where a track starts again, its last second is heard over its first."""
FADE_IN_S, FADE_OUT_S = 0.8, 2.5
_LOOP_FADE = int(LOOP_FADE_S * SOUND_RATE_HZ)


@dataclass(frozen=True)
class MusicBed:
    """Music under the voice: `gain_db` relative to the file's own level, lowered by `ducking_db` while there is speech.

    The gain is for a film whose voice is at -14 LUFS, where a player gives the music the same gain; at another loudness
    both are moved together. The film begins with second `start_s` of the music.
    """

    path: Path
    gain_db: float = -18.0
    ducking_db: float = 8.0
    start_s: float = 0.0


def music_blocks(music: Recording, samples: int, start_s: float = 0.0) -> Iterator[Sound]:
    """Stereo sound of exactly `samples` from second `start_s` on, fading in at the start and out towards the end.

    Raises InvalidInputError (field "spec.music"; UNREADABLE_FILE, and SILENT or TOO_SHORT where it is read to its end).
    """
    place = 0
    for block in fitted(_without_beginning(_looped(music), round(start_s * SOUND_RATE_HZ)), samples):
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


def _looped(music: Recording) -> Iterator[Sound]:
    """The track again and again; the end of one pass is kept back until the start of the next is there."""
    end = yield from _all_but_the_end(_decoded(music))
    while True:
        end = yield from _all_but_the_end(_beginning_under(end, _decoded(music)))


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


def _decoded(recording: Recording) -> Iterator[Sound]:
    samples = 0
    for block in rechunked(audible(recording.blocks(), FIELD), _LOOP_FADE):
        samples += block.shape[1]
        yield block
    check_music_length(samples / SOUND_RATE_HZ, FIELD)
