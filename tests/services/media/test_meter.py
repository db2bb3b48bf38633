"""What the meter says of sound, and what can be worked out from it."""

import numpy as np
import pytest

from orchestrator.film.spool import Spool
from services.media.meter import Meter, integrated_lufs, measure
from services.media.sound import SOUND_RATE_HZ
from tests.support.sounds import speech


def spoken(seconds=12.0):
    """Sentences, a pause that the gate leaves out, and a soft sentence that it leaves out too."""
    said = np.concatenate(
        [speech(seconds, SOUND_RATE_HZ), np.zeros(3 * SOUND_RATE_HZ), speech(3, SOUND_RATE_HZ, 0.005)]
    )
    return said[None].astype(np.float32)


def test_momentary_loudness_gives_integrated_loudness():
    meter = Meter()
    meter.push(spoken())
    assert integrated_lufs(meter.momentary_lufs) == pytest.approx(meter.read().integrated_lufs, abs=0.05)


def test_silence_is_at_the_gate():
    meter = Meter()
    meter.push(np.zeros((1, SOUND_RATE_HZ), np.float32))
    assert integrated_lufs(meter.momentary_lufs) == meter.read().integrated_lufs == -70


def test_mono_is_as_loud_as_it_will_sound_on_both_channels():
    mono = spoken(3.0)
    one, two = (measure([sound], with_peak=True) for sound in (mono, np.repeat(mono, 2, axis=0)))
    assert one.integrated_lufs == pytest.approx(two.integrated_lufs, abs=0.01)
    assert one.true_peak_dbtp == pytest.approx(two.true_peak_dbtp, abs=0.01)


def test_nothing_has_no_loudness():
    assert measure([]).integrated_lufs == -70


@pytest.mark.parametrize("channels", [1, 2])
def test_a_spool_gives_back_what_passed_it(tmp_path, channels):
    sound = np.random.default_rng(1).normal(size=(channels, 100_003)).astype(np.float32)
    with Spool(tmp_path, channels) as spool:
        passed = list(spool.passing(np.array_split(sound, 7, axis=1)))
        np.testing.assert_array_equal(np.concatenate(passed, axis=1), sound)
        for _ in range(2):
            blocks = list(spool.blocks())
            assert [block.shape for block in blocks] == [(channels, 48_000)] * 2 + [(channels, 4_003)]
            np.testing.assert_array_equal(np.concatenate(blocks, axis=1), sound)
    assert not list(tmp_path.iterdir())
