"""A request and the spec of a job say the same, in each other's words."""

import pytest
from pydantic import ValidationError

from gateway.films.request import HINTS, FilmRequest
from gateway.films.spec import place_of, request_field, request_of, spec_of
from orchestrator.jobs import spec as orchestrator
from services.base.errors import InvalidInputError
from services.media.store import MediaStore
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

CONSENT = {"person": "Anna", "statement": "Yes.", "given_time": "2026-01-02T03:04:05Z"}
CHOSEN = {
    "script": "Hello.",
    "language": "en",
    "voice": "man",
    "pronunciations": ["重庆=chóng qìng", "SQL=sequel"],
    "speed": 1.5,
    "reference_text": "Hi.",
    "reference_language": "zh",
    "voice_consent": CONSENT,
    "title": "T",
    "captions": "files_only",
    "music_gain_db": -3.5,
    "music_start_s": 12.5,
    "platform": "tiktok",
    "focus": "0.3,0.45",
    "width": 720,
    "height": 1280,
    "quality": "best",
    "seed": 2**64 - 1,
    "ai_label": False,
    "loudness": "podcast",
    "consent": {**CONSENT, "person": "Berta"},
    "segment_choices": [{"segment": 0, "voice": "woman", "take": 2, "first_footage_frame": 310}, {"segment": 1}],
}
LIMITS = [
    (field, key, bound)
    for field, schema in FilmRequest.model_json_schema()["properties"].items()
    for key, bound in schema.items()
    if key in {"minimum", "maximum", "maxLength"} and field != "seed"
]


@pytest.fixture
def least(tmp_path) -> jobs_pb2.JobSpec:
    """The least that the orchestrator takes."""
    return jobs_pb2.JobSpec(script="Hello.", footage=media_pb2.MediaRef(sha256=stored(tmp_path).put_bytes(b"x").sha256))


def stored(tmp_path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def test_every_field_of_the_spec_can_be_asked_for():
    assert {place_of(field).name for field in HINTS} == set(jobs_pb2.JobSpec.DESCRIPTOR.fields_by_name)


def test_a_spec_tells_what_was_asked():
    request = FilmRequest.model_validate(CHOSEN)
    assert {field for field in HINTS if not HINTS[field].entry} == set(CHOSEN)
    assert request_of(spec_of(request)) == request
    unsaid = request_of(jobs_pb2.JobSpec())
    assert (unsaid.quality, unsaid.captions, unsaid.ai_label, unsaid.consent) == ("standard", "drawn", True, None)


def test_a_recording_to_clone_is_the_voice_unless_there_is_another():
    recording = media_pb2.MediaRef(sha256="a" * 64)
    alone = request_of(jobs_pb2.JobSpec(reference_audio=recording))
    assert (alone.voice, alone.reference) == ("a" * 64, "")
    beside = request_of(jobs_pb2.JobSpec(voice="vivian", reference_audio=recording))
    assert (beside.voice, beside.reference) == ("vivian", "a" * 64)


def test_errors_of_the_spec_name_the_field_of_the_request():
    fields = {"spec.reference_audio": "reference", "spec.consent": "voice_consent", "spec.face_consent": "consent"}
    fields |= {"spec.caption_style.font": "caption_style.font", "page_token": "page_token", "spec": "spec"}
    assert {field: request_field(field) for field in fields} == fields


def test_defaults_are_those_of_the_orchestrator(least, tmp_path):
    """What is left out is the same whoever fills it in."""
    filled = orchestrator.complete_spec(least, stored(tmp_path))
    asked = spec_of(FilmRequest(script="Hello."))
    asked.footage.CopyFrom(least.footage)
    asked = orchestrator.complete_spec(asked, stored(tmp_path))
    for enum in ("captions", "quality", "loudness", "ai_label"):  # not said, and said as its comment has it
        assert getattr(asked, enum) != getattr(filled, enum) == 0
        asked.ClearField(enum)
    assert asked == filled


def of_length(field: str, characters: int) -> str:
    """What is right but for its length."""
    return ("0.5,0." + "5" * characters if field == "focus" else "a. " * characters)[:characters]


@pytest.mark.parametrize(("field", "key", "bound"), LIMITS)
def test_limits_are_those_of_the_orchestrator(least, tmp_path, field, key, bound):
    """At the bound both take it, beyond it neither does."""
    step = -1 if key == "minimum" else 1
    beyond = bound + step * (2 if field in {"width", "height"} else 1)
    for value, right in ((bound, True), (beyond, False)):
        given = of_length(field, value) if key == "maxLength" else value
        assert taken_by_the_gateway(field, given) == right, (field, given)
        assert taken_by_the_orchestrator(least, stored(tmp_path), field, given) == right, (field, given)


def taken_by_the_gateway(field, value):
    try:
        FilmRequest.model_validate({"script": "Hello.", field: value})
    except ValidationError:
        return False
    return True


def taken_by_the_orchestrator(least, store, field, value):
    spec = jobs_pb2.JobSpec()
    spec.CopyFrom(least)
    setattr(spec, field, value)
    spec.consent.person = spec.consent.statement = "Anna"
    spec.reference_audio.CopyFrom(spec.footage)
    try:
        orchestrator.complete_spec(spec, store)
    except InvalidInputError as error:
        return error.field != f"spec.{field}"
    return True
