"""What lies between the words that were heard, where pauses do not count, and voices that stop at once."""

import numpy as np
import pytest

from services.media.speech.completeness import ends_in_sound, unheard_share

RATE_HZ = 24_000


def voice(seconds, level=8000):
    return (np.random.default_rng(1).normal(0, level, round(seconds * RATE_HZ))).clip(-32768, 32767).astype(np.int16)


SPOKEN = np.concatenate([voice(1.0), np.zeros(RATE_HZ // 2, np.int16), voice(1.0), np.zeros(RATE_HZ // 2, np.int16)])


@pytest.mark.parametrize(
    ("words_s", "share"),
    [
        ([(0, 1), (1.5, 2.5)], 0.0),
        ([(0, 1)], 0.5),
        ([(0, 1), (1.5, 2.0)], 0.25),
        ([(0, 0.7), (1.5, 2.5)], 0.0),  # too little to be a word
        ([(0, 0.3), (0.8, 1), (1.5, 2.5)], 0.25),
        ([], 1.0),
    ],
)
def test_pauses_do_not_count_but_speech_without_words_does(words_s, share):
    words = [(round(start * RATE_HZ), round(end * RATE_HZ)) for start, end in words_s]
    assert unheard_share(SPOKEN, words, RATE_HZ) == pytest.approx(share, abs=0.01)


def test_a_quiet_voice_counts_as_a_loud_one():
    words = [(0, RATE_HZ)]
    assert unheard_share(SPOKEN // 50, words, RATE_HZ) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("samples", [0, 100, RATE_HZ])
def test_silence_has_nothing_that_was_not_heard(samples):
    assert unheard_share(np.zeros(samples, np.int16), [], RATE_HZ) == 0


@pytest.mark.parametrize("pause_s", [0.0, 0.013, 0.24])
def test_a_voice_that_is_cut_ends_in_sound_and_one_that_fades_does_not(pause_s):
    pause = np.zeros(round(pause_s * RATE_HZ), np.int16)
    faded = voice(1.0) * np.clip((RATE_HZ - np.arange(RATE_HZ)) / (0.1 * RATE_HZ), 0, 1) ** 2
    assert ends_in_sound(np.concatenate([voice(1.0), pause]), RATE_HZ)
    assert not ends_in_sound(np.concatenate([faded.astype(np.int16), pause]), RATE_HZ)


@pytest.mark.parametrize("samples", [0, 100, RATE_HZ])
def test_silence_does_not_end_in_sound(samples):
    assert not ends_in_sound(np.zeros(samples, np.int16), RATE_HZ)
