import pytest

from services.text.timing import SpokenTimes, Word


def test_a_words_time_is_shared_out_by_syllables():
    times = SpokenTimes.of_words("你好 cat", [Word(0, 2, 0, 800), Word(3, 6, 1_000, 1_600)], 1_000, 2.0)
    assert times.spans == (
        pytest.approx((0.0, 0.4)),
        pytest.approx((0.4, 0.8)),
        None,
        pytest.approx((1.0, 1.2)),
        pytest.approx((1.2, 1.4)),
        pytest.approx((1.4, 1.6)),
    )
    assert times.pause_before(3) == pytest.approx(0.2)
    assert times.of(0, 6) == pytest.approx((0.0, 1.6))


def test_characters_without_a_word_take_the_time_between_their_neighbours():
    times = SpokenTimes.of_words("你好吗", [Word(0, 1, 0, 500), Word(2, 3, 1_500, 2_000)], 1_000, 2.0)
    assert times.spans[1] == pytest.approx((0.5, 1.5))


def test_times_never_run_backwards_or_beyond_the_voice():
    words = [Word(0, 1, 900, 400), Word(1, 2, 100, 300), Word(2, 3, 500, 99_000)]
    spans = [span for span in SpokenTimes.of_words("你好吗", words, 1_000, 2.0).spans if span]
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert edges[-1] == 2.0


def test_silent_text_has_the_moment_before_it():
    times = SpokenTimes.of_words("好！😀", [Word(0, 1, 0, 500)], 1_000, 1.0)
    assert times.of(1, 3) == (0.5, 0.5)
    assert times.pause_before(1) == 0.0
