import numpy as np
import pytest

from services.lipsync.warp.openness import mouth_shapes
from services.media.timeline import samples_per_frame
from tests.support.faces import RATE_HZ, loudness_per_frame, syllables

FRAME = samples_per_frame(RATE_HZ)


def openings(pcm, rate_hz=RATE_HZ):
    return np.array([shape.openness for shape in mouth_shapes([pcm], rate_hz)])


@pytest.mark.parametrize("gain", [3.0, 1.0, 0.3, 0.1])
def test_a_voice_opens_the_mouth_however_loud_it_is(gain):
    voice = np.clip(syllables(6) * gain, -32768, 32767).astype(np.int16)
    opening = openings(voice)
    loudness = loudness_per_frame(voice)
    assert np.corrcoef(opening, loudness)[0, 1] >= 0.6
    assert opening.max() > 0.6
    assert opening[loudness > np.percentile(loudness, 80)].mean() > 3 * opening.mean(where=loudness < loudness.mean())


def test_silence_and_room_noise_keep_it_closed():
    random = np.random.default_rng(5)
    for level_db in (-90, -60, -45):
        noise = random.normal(0, 32768 * 10 ** (level_db / 20), 3 * RATE_HZ).astype(np.int16)
        assert openings(noise)[25:].max() < 0.1  # after a second it is known for noise


def test_noise_in_the_pauses_keeps_it_closed():
    voice = syllables(6)
    noise = np.random.default_rng(6).normal(0, 32768 * 10 ** (-50 / 20), len(voice)).astype(np.int16)
    quiet = np.convolve(loudness_per_frame(voice) > 100, np.ones(5), "same") == 0
    assert quiet.sum() >= 15
    assert openings(voice + noise)[quiet].max() < 0.1


def test_hiss_opens_it_less_than_a_vowel():
    t = np.arange(RATE_HZ) / RATE_HZ
    vowel = 8000 * np.sin(2 * np.pi * 600 * t)
    hiss = 8000 * np.sin(2 * np.pi * 6000 * t)
    opening = openings(np.concatenate([vowel, hiss]).astype(np.int16))
    assert opening[5:20].mean() > 0.8
    assert opening[30:45].max() < 0.2


def test_brightness_spreads_and_darkness_rounds_it():
    t = np.arange(RATE_HZ) / RATE_HZ
    tones = [(8000 * np.sin(2 * np.pi * hertz * t)).astype(np.int16) for hertz in (300, 740, 2200)]
    dark, middle, bright = ([shape.width for shape in mouth_shapes([tone], RATE_HZ)][12] for tone in tones)
    assert dark < -0.9 < -0.2 < middle < 0.2 < 0.9 < bright


def test_it_moves_smoothly():
    opening = openings(syllables(8))
    assert np.abs(np.diff(opening)).max() < 0.6
    assert openings(np.tile(np.repeat(np.array([0, 12000], np.int16), FRAME), 20)).min() >= 0


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 24_000, 48_000])
@pytest.mark.parametrize("samples_more", [0, 1, 400])
def test_one_shape_a_frame_at_every_rate(rate_hz, samples_more):
    samples = 10 * samples_per_frame(rate_hz) + samples_more
    assert len(openings(np.full(samples, 900, np.int16), rate_hz)) == 10 + (samples_more > 0)


@pytest.mark.parametrize("cut", [1, 7, 479, 480, 481, 959, 960, 961, 5000])
def test_chunks_of_any_length_give_the_same_shapes(cut):
    voice = syllables(1.5)[:-123]
    chunks = [voice[start : start + cut] for start in range(0, len(voice), cut)]
    assert list(mouth_shapes(chunks, RATE_HZ)) == list(mouth_shapes([voice], RATE_HZ))


def test_it_looks_no_farther_ahead_than_three_frames():
    voice = syllables(2)
    heard = 0

    def live():
        nonlocal heard
        for start in range(0, len(voice), FRAME):
            heard += 1
            yield voice[start : start + FRAME]

    for number, _ in enumerate(mouth_shapes(live(), RATE_HZ)):
        assert heard <= number + 3


def test_a_frame_must_be_a_whole_number_of_samples():
    with pytest.raises(ValueError, match="22051 Hz"):
        next(mouth_shapes([np.zeros(100, np.int16)], 22_051))
