"""Every way in which a job spec can be wrong has an error that names the field."""

from pathlib import Path

import pytest

from orchestrator.jobs.spec import complete_spec
from services.base.errors import InvalidInputError, NotFoundError
from services.media.store import MediaStore
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path)


def spec(store: MediaStore, **fields: object) -> jobs_pb2.JobSpec:
    footage = media_pb2.MediaRef(sha256=store.put_bytes(b"footage").sha256)
    return jobs_pb2.JobSpec(**{"script": "Hello.", "footage": footage, **fields})


def test_defaults_are_filled(store: MediaStore) -> None:
    complete = complete_spec(spec(store), store)
    assert (complete.width, complete.height, complete.speed, complete.music_gain_db) == (1080, 1920, 1.0, -18.0)


def test_a_gain_of_zero_is_kept(store: MediaStore) -> None:
    assert complete_spec(spec(store, music_gain_db=0.0), store).music_gain_db == 0.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("script", ""),
        ("script", " \n"),
        ("script", "x" * 100_000),
        ("script", "NUL \0 inside"),
        ("title", "x" * 61),
        ("width", 641),
        ("height", 64),
        ("width", 100_000),
        ("speed", 9.0),
        ("speed", float("nan")),
        ("music_gain_db", 90.0),
        ("quality", 9),
        ("ai_label", -1),
        ("loudness", 99),
        ("captions", 3),
        ("footage", media_pb2.MediaRef()),
        ("footage", media_pb2.MediaRef(sha256="../../etc/passwd")),
    ],
)
def test_what_is_wrong_is_named(store: MediaStore, field: str, value: object) -> None:
    with pytest.raises(InvalidInputError) as caught:
        complete_spec(spec(store, **{field: value}), store)
    assert caught.value.field == f"spec.{field}"
    assert caught.value.remedy


@pytest.mark.parametrize("field", ["footage", "music", "reference_audio"])
def test_media_that_is_not_there_is_named(store: MediaStore, field: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        complete_spec(spec(store, **{field: media_pb2.MediaRef(sha256="0" * 64)}), store)
    assert caught.value.field == f"spec.{field}"


def test_no_voice_is_cloned_without_consent(store: MediaStore) -> None:
    recording = media_pb2.MediaRef(sha256=store.put_bytes(b"recording").sha256)
    for nobody in (jobs_pb2.Consent(), jobs_pb2.Consent(person="Anna", statement=" \n")):
        with pytest.raises(InvalidInputError) as caught:
            complete_spec(spec(store, reference_audio=recording, consent=nobody), store)
        assert (caught.value.field, caught.value.reason) == ("spec.consent", "NO_CONSENT")
    consent = jobs_pb2.Consent(person="Anna", statement="I agree.")
    assert complete_spec(spec(store, reference_audio=recording, consent=consent), store).consent == consent


def test_a_transcript_that_no_voice_server_takes_is_refused_at_once(store: MediaStore) -> None:
    recording = media_pb2.MediaRef(sha256=store.put_bytes(b"recording").sha256)
    consent = jobs_pb2.Consent(person="Anna", statement="I agree.")
    with pytest.raises(InvalidInputError) as caught:
        complete_spec(spec(store, reference_audio=recording, consent=consent, reference_text="x" * 1001), store)
    assert (caught.value.field, caught.value.reason) == ("spec.reference_text", "TEXT_TOO_LONG")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"script": "Thai: ก", "captions": jobs_pb2.CAPTIONS_DRAWN}, "spec.script"),
        ({"title": "ก"}, "spec.title"),
    ],
)
def test_what_the_font_does_not_have_is_named(store: MediaStore, fields: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInputError, match=r"ก \(U\+0E01\)") as caught:
        complete_spec(spec(store, **fields), store)
    assert (caught.value.field, caught.value.reason) == (field, "GLYPH_MISSING")


@pytest.mark.parametrize("script", ["안녕하세요", "مرحبا بكم", "שלום עולם", "สวัสดีครับ", "नमस्ते दुनिया", "வணக்கம்"])
def test_the_remedy_for_a_script_that_our_fonts_do_not_have_helps(store: MediaStore, script: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        complete_spec(spec(store, script=script), store)
    assert caught.value.remedy == (
        "Upload a font for that script and name it in a style, or have captions as files only."
    )
    complete_spec(spec(store, script=script, captions=jobs_pb2.CAPTIONS_FILES_ONLY), store)
    with pytest.raises(InvalidInputError, match="or write the title in other letters"):
        complete_spec(spec(store, title=script), store)


@pytest.mark.parametrize("line_break", ["\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_a_title_may_have_any_line_break(store: MediaStore, line_break: str) -> None:
    assert complete_spec(spec(store, title=f"一{line_break}二"), store).title == "一\n二"


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u00ad", "\u200b"])
def test_a_title_has_nothing_that_nobody_sees(store: MediaStore, mark: str) -> None:
    """Some of it would turn the writing around it: in lists, in errors, in the name of a download."""
    assert complete_spec(spec(store, title=f"一{mark}gpj.exe"), store).title == "一gpj.exe"


def test_captions_that_are_only_files_need_no_glyphs(store: MediaStore) -> None:
    complete_spec(spec(store, script="Thai: ก", captions=jobs_pb2.CAPTIONS_FILES_ONLY), store)


def test_unknown_platforms_are_named(store: MediaStore) -> None:
    assert complete_spec(spec(store), store, "tiktok").platform == "tiktok"
    with pytest.raises(InvalidInputError, match="tiktok") as caught:
        complete_spec(spec(store, platform="myspace"), store)
    assert caught.value.field == "spec.platform"
