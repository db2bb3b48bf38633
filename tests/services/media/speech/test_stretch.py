import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.media.speech.stretch import TimeStretch

RATE_HZ = 24_000


def voice(seconds=1.5, pitch_hz=140.0):
    """A vowel: a pulse train of ten harmonics, louder and softer four times a second."""
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    wave = sum(np.sin(2 * np.pi * pitch_hz * harmonic * time) / harmonic for harmonic in range(1, 11))
    return (6000 * wave * (0.7 + 0.3 * np.sin(8 * np.pi * time))).astype(np.int16)


def stretched(pcm, speed, pieces=()):
    stretch, out, start = TimeStretch(speed, RATE_HZ), [], 0
    for size in (*pieces, len(pcm)):
        out.append(stretch.push(pcm[start : start + size]))
        start += size
    return np.concatenate((*out, stretch.flush()))


def pitch_hz(pcm):
    middle = pcm[len(pcm) // 4 : len(pcm) // 4 + 6000].astype(float)
    correlation = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    lags = np.arange(RATE_HZ // 400, RATE_HZ // 70)
    return RATE_HZ / lags[np.argmax(correlation[lags])]


@pytest.mark.parametrize("speed", [0.5, 0.75, 0.9, 1.1, 1.5, 2.0])
def test_length_changes_and_pitch_stays(speed):
    pcm = voice()
    found = stretched(pcm, speed)
    assert len(found) == round(len(pcm) / speed)
    assert pitch_hz(found) == pytest.approx(pitch_hz(pcm), rel=0.02)
    assert np.std(found) == pytest.approx(np.std(pcm), rel=0.15)


@pytest.mark.parametrize("speed", [0.7, 1.6])
def test_no_clicks_at_the_seams(speed):
    pcm = voice()
    found = stretched(pcm, speed)[:-1000]
    assert np.abs(np.diff(found.astype(int))).max() <= 1.5 * np.abs(np.diff(pcm.astype(int))).max()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 9000), max_size=8), st.sampled_from([0.6, 1.0, 1.7]))
def test_any_division_gives_the_same(pieces, speed):
    pcm = voice(0.8)
    assert np.array_equal(stretched(pcm, speed, pieces), stretched(pcm, speed))


@pytest.mark.parametrize("samples", [0, 1, 300, 1000])
def test_short_takes(samples):
    assert len(stretched(voice(0.1)[:samples], 1.5)) == round(samples / 1.5)


def test_samples_come_before_the_end():
    stretch = TimeStretch(1.25, RATE_HZ)
    assert len(stretch.push(voice(1.0))) > 0.7 * RATE_HZ


def test_what_was_used_is_forgotten():
    stretch = TimeStretch(1.25, RATE_HZ)
    for _ in range(40):
        stretch.push(voice(0.5))
    assert len(stretch._input) < 0.2 * RATE_HZ
