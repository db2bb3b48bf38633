"""Options of `vigent make` that are more than a word."""

import pytest

from gateway.cli.options import _value
from gateway.films.request import FilmRequest
from services.base.errors import InvalidInputError


def test_choices_for_segments_are_given_as_objects() -> None:
    chosen = _value("segment_choices", {"segment_choices": ['{"segment": 3, "take": 1}', '{"segment": 0}']})
    request = FilmRequest.model_validate({"script": "Hello.", "segment_choices": chosen})
    assert [(choice.segment, choice.take) for choice in request.segment_choices] == [(3, 1), (0, 0)]


def test_a_choice_that_is_no_object_names_its_option() -> None:
    with pytest.raises(InvalidInputError, match="not JSON") as refused:
        _value("segment_choices", {"segment_choices": ["3:1"]})
    assert refused.value.field == "--segment"
