from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.asr.whisper.model import TokenTimes
from services.asr.whisper.placement import Placement, placed, spread, weights, whole_samples
from services.text.words import words_of


def test_unsure_words_share_the_time_between_sure_neighbours():
    found = Placement(
        np.array([0.0, 90.0, 95.0, 400.0]), np.array([80.0, 95.0, 96.0, 500.0]), np.array([0.9, 0.1, 0.0, 0.8])
    )
    placement = spread(found, np.array([1.0, 1.0, 3.0, 1.0]), found.probabilities < 0.5, 600.0)
    assert placement.starts.tolist() == [0, 80, 160, 400]
    assert placement.ends.tolist() == [80, 160, 400, 500]
    assert placement.probabilities.tolist() == [0.9, 0.1, 0.0, 0.8]


def test_unsure_words_at_the_ends_reach_to_them():
    found = Placement(np.array([50.0, 60.0, 70.0]), np.array([55.0, 70.0, 71.0]), np.array([0.0, 1.0, 0.0]))
    placement = spread(found, np.ones(3), found.probabilities < 0.5, 100.0)
    assert placement.starts.tolist() == [0, 60, 70]
    assert placement.ends.tolist() == [60, 70, 100]


def test_a_hanzi_and_a_digit_weigh_more_than_a_letter():
    text = "我 ab 42"
    assert weights(text, words_of(text)).tolist() == [3, 2, 8]


def test_tokens_of_several_words_and_words_of_several_tokens():
    """ "我们" is one token of two words; "abc" is three tokens, of which "c," also holds the comma."""
    text = "我们abc,d"
    times = TokenTimes(
        np.array([0, 2, 3, 4, 6]),
        np.array([2, 3, 4, 6, 7]),
        np.array([0.0, 100, 150, 200, 300]),
        np.array([100.0, 150, 200, 300, 400]),
        np.array([0.5, 0.3, 0.6, 0.9, 1.0]),
    )
    placement = placed(words_of(text), times)
    assert placement.starts.tolist() == [0, 50, 100, 300]
    assert placement.ends.tolist() == [50, 100, 250, 400]
    assert np.allclose(placement.probabilities, [0.5, 0.5, 0.6, 1.0])


@given(st.lists(st.tuples(st.integers(-50, 2000), st.integers(-50, 2000)), min_size=1, max_size=50))
def test_whole_samples_are_in_order_and_never_empty(times):
    starts, ends = np.array(times, float).T
    bounds = whole_samples(starts, ends, 1000, 10)
    assert all(start >= 0 and start + 10 <= end <= 1000 for start, end in bounds)
    assert all(before[1] <= after[0] for before, after in pairwise(bounds))
