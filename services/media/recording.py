"""Sound from outside: music, voices and speech, whatever file it comes in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from numpy import float32

from services.base.errors import InvalidInputError
from services.media.formats import TAKEN, sniff
from services.media.sound import SOUND_RATE_HZ, Layout, Sound, resampled
from services.media.source import Damage, checked_codec, decoded, decoding, measured, open_source

SHORTEST_MUSIC_S = 2.0
"""Shorter music cannot be looped: its last second is crossfaded with its first."""


class Recording:
    """The first sound of a file from outside. Every pass opens it anew; `damage` is from the longest."""

    def __init__(self, path: Path, field: str) -> None:
        """Raises InvalidInputError for `field`: as `sniff` and `open_source`, and CUT_FILE, NO_SOUND."""
        sniff(path, "audio", field=field)
        self._path, self._field = path, field
        self.damage = Damage()
        with self._opened() as stream:
            assert isinstance(stream.container, InputContainer)
            self.rate_hz, self.channels = stream.rate, stream.channels
            measured(stream.container, stream, field)

    def blocks(self, layout: Layout = "stereo", rate_hz: int = SOUND_RATE_HZ) -> Iterator[Sound]:
        """All of it, in blocks. Raises InvalidInputError (UNREADABLE_FILE) when many packets are broken."""
        damage = Damage()
        try:
            with self._opened() as stream:
                yield from resampled(decoded(stream, self._field, damage), layout, rate_hz)
        finally:
            self.damage = max(self.damage, damage, key=lambda each: each.packets)

    def blocks_of(self, longest_s: float, layout: Layout = "stereo", rate_hz: int = SOUND_RATE_HZ) -> Iterator[Sound]:
        """All of it. Raises InvalidInputError (TOO_LONG) as soon as it is longer."""
        samples = 0
        for block in self.blocks(layout, rate_hz):
            samples += block.shape[1]
            if samples > longest_s * rate_hz:
                problem = f"The file is longer than {longest_s:g} s."
                raise InvalidInputError(problem, "Send a shorter one.", self._field, "TOO_LONG")
            yield block

    def notes(self) -> list[str]:
        """What a report should say of the file."""
        return self.damage.notes("the sound")

    @contextmanager
    def _opened(self) -> Iterator[av.AudioStream]:
        with open_source(self._path, self._field, "audio") as container, decoding(self._field, "audio"):
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                raise self._error("NO_SOUND", "The file has no sound.")
            checked_codec(stream, self._field, "audio")
            if stream.rate <= 0 or stream.channels <= 0:
                problem = f"The sound has {stream.channels} channels and {stream.rate} samples a second."
                raise self._error("UNREADABLE_FILE", problem)
            yield stream

    def _error(self, reason: str, problem: str) -> InvalidInputError:
        return InvalidInputError(problem, f"Send {TAKEN['audio']}.", self._field, reason)


def audible(blocks: Iterable[Sound], field: str) -> Iterator[Sound]:
    """The same sound. Raises InvalidInputError (SILENT) at its end if there was none."""
    heard = False
    for block in blocks:
        heard = heard or bool(block.any())
        yield block
    if not heard:
        raise InvalidInputError("The file is silent.", "Send a recording with sound.", field, "SILENT")


def check_music_length(duration_s: float, field: str) -> None:
    """Raises InvalidInputError (TOO_SHORT) for music that no film can have."""
    if duration_s < SHORTEST_MUSIC_S:
        problem = f"The music is shorter than {SHORTEST_MUSIC_S:g} s."
        raise InvalidInputError(problem, "Choose a longer track.", field, "TOO_SHORT")


def write_samples(path: Path, target: Path, field: str, rate_hz: int, longest_s: float) -> int:
    """Writes a recording as float32 mono to `target`, the first `longest_s` of it at most; returns samples.

    Raises InvalidInputError for `field`, as `Recording`.
    """
    wanted = int(longest_s * rate_hz)
    written = 0
    with target.open("wb") as file:
        for block in Recording(path, field).blocks("mono", rate_hz):
            file.write(block[0, : wanted - written].astype(float32).tobytes())
            written += min(block.shape[1], wanted - written)
            if written >= wanted:
                break
    return written


def write_speech(path: Path, target: Path, field: str, rate_hz: int, longest_s: float) -> float:
    """Writes a recording as int16 mono PCM to `target`, for a listening engine; returns seconds.

    Raises InvalidInputError for `field`: as `Recording`, and TOO_LONG.
    """
    samples = 0
    with target.open("wb") as file:
        for block in Recording(path, field).blocks_of(longest_s, "mono", rate_hz):
            file.write(np.clip(np.rint(block[0] * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes())
            samples += block.shape[1]
    return samples / rate_hz
