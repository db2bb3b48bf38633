"""A request with one sentence changed: choices move with their sentences, and footage goes on where it did."""

import pytest

from gateway.films.request import FilmRequest
from gateway.films.revision import OPENING_FRAMES, RevisionRequest, changed
from gateway.films.view import JobView
from orchestrator.making import overlay_text
from services.base.errors import InvalidInputError

SCRIPT = "One is first.\nTwo is second. Three is third. Four is last."
FRAMES = 80


def film(script: str = SCRIPT, segments: int = 4, **fields: object) -> JobView:
    made = [{"first_film_frame": FRAMES * n, "first_footage_frame": FRAMES * n + 7} for n in range(segments)]
    request = FilmRequest.model_validate({"script": script, **fields})
    return JobView.model_construct(request=request, segments=[_Segment(**each) for each in made])


class _Segment:
    def __init__(self, first_film_frame: int, first_footage_frame: int) -> None:
        self.first_film_frame, self.first_footage_frame = first_film_frame, first_footage_frame


def choices(request: FilmRequest) -> list[dict]:
    return [choice.model_dump(exclude_defaults=True) for choice in request.segment_choices]


def test_the_opening_is_as_long_as_the_orchestrator_draws_it() -> None:
    assert OPENING_FRAMES == overlay_text.OPENING_FRAMES


def test_a_sentence_in_other_words_leaves_the_footage_of_the_others() -> None:
    made = changed(film(), RevisionRequest(segment=1, text=" Two is another. "))
    assert made.request.script == SCRIPT.replace("Two is second.", "Two is another.")
    assert choices(made.request) == [{"segment": 2, "first_footage_frame": 2 * FRAMES + 7}]
    assert (made.first, made.to_film) == (1, 1)


def test_english_in_place_of_chinese_stays_a_sentence_of_its_own() -> None:
    made = changed(film("你好。It streams.", segments=2), RevisionRequest(segment=0, text="Hello."))
    assert made.request.script == "Hello. It streams."
    assert (made.first, made.end) == (0, 1)


def test_what_begins_in_the_opening_is_drawn_anew() -> None:
    assert changed(film(), RevisionRequest(segment=0, text="One is new.")).to_film == 2


def test_a_voice_and_a_take_are_chosen_for_that_sentence_alone() -> None:
    made = changed(film(), RevisionRequest(segment=3, voice="man", take=2))
    assert choices(made.request) == [{"segment": 3, "voice": "man", "take": 2}]
    assert (made.request.script, made.to_film) == (SCRIPT, 1)


def test_choices_move_with_their_sentences() -> None:
    given = [{"segment": 0, "take": 1}, {"segment": 1, "voice": "man"}, {"segment": 3, "take": 4}]
    made = changed(film(segment_choices=given), RevisionRequest(segment=1, text="Two is one. And it is two."))
    assert choices(made.request) == [
        {"segment": 0, "take": 1},
        {"segment": 1, "voice": "man"},
        {"segment": 2, "voice": "man"},
        {"segment": 3, "first_footage_frame": 2 * FRAMES + 7},
        {"segment": 4, "take": 4},
    ]
    assert (made.first, made.to_film) == (1, 2)


def test_a_sentence_that_is_left_out_ends_the_one_before_it_anew() -> None:
    made = changed(film(), RevisionRequest(segment=2, text=""))
    assert made.request.script == "One is first.\nTwo is second. Four is last."
    assert choices(made.request) == [{"segment": 2, "first_footage_frame": 3 * FRAMES + 7}]
    assert (made.first, made.to_film) == (1, 1)


def test_a_sentence_without_its_end_becomes_one_with_the_next() -> None:
    made = changed(film(), RevisionRequest(segment=1, text="Two is second and"))
    assert choices(made.request) == [{"segment": 2, "first_footage_frame": 3 * FRAMES + 7}]
    assert (made.first, made.to_film) == (1, 1)


def test_nothing_changed_is_nothing_to_make() -> None:
    job = film(segment_choices=[{"segment": 1, "take": 2}])
    made = changed(job, RevisionRequest(segment=1, text="Two is second.", voice="", take=2))
    assert (made.request, made.to_film) == (job.request, 0)


def test_a_sentence_that_is_not_there_is_told() -> None:
    with pytest.raises(InvalidInputError, match="no segment 4") as refused:
        changed(film(), RevisionRequest(segment=4, text="Five."))
    assert refused.value.field == "segment"
