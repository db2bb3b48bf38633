import numpy as np
import pytest

from services.asr.dtw import warping
from services.asr.dtw.warping import warp


def nothing() -> None:
    pass


def warped(heard: np.ndarray, reference: np.ndarray, optional: np.ndarray | None = None) -> warping.Warp | None:
    optional = np.zeros(len(reference), bool) if optional is None else optional
    return warp(heard.astype(np.float32), reference.astype(np.float32), optional, 1.0, nothing)


def steps(length: int) -> np.ndarray:
    """Frames that are all different."""
    return np.random.default_rng(0).normal(size=(length, 8))


def test_a_sequence_fits_itself():
    found = warped(steps(300), steps(300))
    assert np.array_equal(found.states, np.arange(300))
    assert found.costs.max() < 1e-2


@pytest.mark.parametrize("tempo", [0.5, 0.8, 1.25, 2.5])
def test_follows_another_tempo(tempo):
    reference = np.repeat(steps(60), 6, axis=0)
    heard = reference[np.minimum(np.arange(0, 360, tempo).astype(int), 359)]
    states = warped(heard, reference).states
    assert np.array_equal(states // 6, np.arange(0, 360, tempo).astype(int) // 6)


def test_never_goes_back_and_moves_three_at_most():
    moves = np.diff(warped(steps(100), np.random.default_rng(1).normal(size=(150, 8))).states)
    assert moves.min() >= 0
    assert moves.max() <= 3


def test_optional_states_may_last_or_be_left_out():
    said, silence = np.repeat(steps(20), 5, axis=0), np.full((1, 8), 9.0)
    reference = np.concatenate([silence, said[:50], silence, said[50:], silence])
    optional = np.zeros(len(reference), bool)
    optional[[0, 51, 102]] = True
    with_pause = np.concatenate([said[:50], silence.repeat(40, axis=0), said[50:]])
    assert np.array_equal(warped(said, reference, optional).states, [*range(1, 51), *range(52, 102)])
    assert np.array_equal(warped(with_pause, reference, optional).states, [*range(1, 51), *[51] * 40, *range(52, 102)])


def test_too_few_frames_reach_no_end():
    assert warped(steps(30), steps(100)) is None


def test_the_band_moves_along():
    """Far more states than the band holds."""
    reference = np.repeat(steps(700), 6, axis=0)
    assert len(reference) > 2 * warping.BAND + 2 * warping.BLOCK
    assert np.array_equal(warped(reference, reference).states, np.arange(len(reference)))


def test_counts_a_unit_a_block():
    units = []
    warp(
        steps(200).astype(np.float32), steps(200).astype(np.float32), np.zeros(200, bool), 1.0, lambda: units.append(1)
    )
    assert len(units) == -(-200 // warping.BLOCK)
