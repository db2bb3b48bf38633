"""The mix of a job runs in a limited child: the same sound, and music that harms nobody."""

import threading
from pathlib import Path

import numpy as np
import pytest

from orchestrator.film.join import VoiceSegment
from orchestrator.film.mix import mix_film
from orchestrator.film.music import MusicBed
from orchestrator.making.assemble import mix_apart
from services.base.errors import CancelledError, InvalidInputError
from tests.support.sounds import RATE_HZ, frames_of_samples, speech, write_music, write_voice


@pytest.fixture
def voices(tmp_path: Path) -> list[VoiceSegment]:
    samples = speech(6.0)
    return [VoiceSegment(write_voice(tmp_path / "voice.wav", samples), frames_of_samples(len(samples), RATE_HZ))]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return write_music(tmp_path / "music.flac", 0.1 * np.random.default_rng(1).normal(size=(2, 4 * 44_100)))


def progress(_done: int, _total: int) -> None:
    """Nobody looks."""


def apart(voices: list[VoiceSegment], target: Path, music: Path | None) -> None:
    mix_apart(voices, target, MusicBed(music) if music else None, -14.0, progress)


@pytest.mark.parametrize("with_music", [True, False])
def test_the_sound_is_the_same_as_in_this_process(
    tmp_path: Path, voices: list[VoiceSegment], music: Path, with_music: bool
) -> None:
    here, there = tmp_path / "here.m4a", tmp_path / "there.m4a"
    mix_film(voices, here, music=MusicBed(music) if with_music else None)
    apart(voices, there, music if with_music else None)
    assert here.read_bytes() == there.read_bytes()


def test_progress_is_relayed(tmp_path: Path, voices: list[VoiceSegment]) -> None:
    seen: list[tuple[int, int]] = []
    mix_apart(voices, tmp_path / "mix.m4a", None, -14.0, lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (voices[0].frames, voices[0].frames)


def test_a_cancelled_mix_ends(tmp_path: Path, voices: list[VoiceSegment]) -> None:
    cancelled = threading.Event()

    def cancel(_done: int, _total: int) -> None:
        cancelled.set()

    with pytest.raises(CancelledError):
        mix_apart(voices * 50, tmp_path / "mix.m4a", None, -14.0, cancel, cancelled)


def bomb(path: Path) -> Path:
    """A small file at 1 Hz: its one packet is more than an hour, gigabytes as it is resampled."""
    return write_music(path, 0.1 * np.random.default_rng(1).normal(size=(2, 20_000)), 1, "pcm_s16le")


@pytest.mark.fault("decompression bomb", promised="The same, within limits of memory, time and size.")
def test_a_memory_bomb_is_refused(tmp_path: Path, voices: list[VoiceSegment]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        apart(voices, tmp_path / "mix.m4a", bomb(tmp_path / "bomb.mka"))
    print(caught.value)
    assert caught.value.field == "spec.music"
    assert caught.value.reason in {"TOO_LARGE", "FILE_TOO_LARGE", "FILE_BROKEN"}


def test_cut_music_is_refused(tmp_path: Path, voices: list[VoiceSegment], music: Path) -> None:
    cut = tmp_path / "cut.flac"
    cut.write_bytes(music.read_bytes()[:3000])
    with pytest.raises(InvalidInputError) as caught:
        apart(voices, tmp_path / "mix.m4a", cut)
    assert caught.value.field == "spec.music"
