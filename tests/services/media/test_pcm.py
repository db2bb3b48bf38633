"""int16 streams at another rate."""

import numpy as np

from services.media.pcm import PcmResampler, resampled_pcm


def test_cuts_leave_no_trace():
    pcm = (8000 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.int16)
    whole = np.concatenate(list(resampled_pcm([pcm], 48_000, 24_000)))
    resampler = PcmResampler(48_000, 24_000)
    pieces = [resampler.more(piece) for piece in np.split(pcm, [7, 500, 501, 20_000])]
    cut = np.concatenate([*pieces, resampler.rest()])
    assert np.array_equal(cut, whole)
    assert whole.dtype == np.int16
    assert abs(len(whole) - 24_000) <= 1


def test_full_scale_is_clipped_not_wrapped():
    pcm = np.tile(np.array([-(2**15), 2**15 - 1], np.int16).repeat(50), 100)
    made = np.concatenate(list(resampled_pcm([pcm], 16_000, 48_000)))
    assert made.max() == 2**15 - 1
    assert made.min() == -(2**15)
    assert np.abs(np.diff(made.astype(int))).max() < 2**15
