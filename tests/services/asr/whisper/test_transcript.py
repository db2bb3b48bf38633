from services.asr.whisper.transcript import STEP_SAMPLES, Stretch, stretches_within

MARK = 1000
SECOND = 50  # marks


def test_marks_bound_stretches_of_text() -> None:
    ids = [MARK, 1, 2, MARK + SECOND, MARK + 2 * SECOND, 3, MARK + 3 * SECOND]
    found = stretches_within(ids, MARK, 4 * SECOND * STEP_SAMPLES)
    assert found == [Stretch(0, [1, 2], SECOND), Stretch(2 * SECOND, [3], 3 * SECOND)]


def test_a_text_without_a_last_mark_has_no_end() -> None:
    assert stretches_within([MARK, 1], MARK, SECOND * STEP_SAMPLES) == [Stretch(0, [1])]
    assert stretches_within([1, 2], MARK, SECOND * STEP_SAMPLES) == [Stretch(0, [1, 2])]
    assert stretches_within([], MARK, SECOND * STEP_SAMPLES) == []


def test_what_begins_behind_the_window_is_not_said() -> None:
    ids = [MARK, 1, MARK + SECOND, MARK + SECOND, 1, MARK + 2 * SECOND]
    assert stretches_within(ids, MARK, SECOND * STEP_SAMPLES) == [Stretch(0, [1], SECOND)]
