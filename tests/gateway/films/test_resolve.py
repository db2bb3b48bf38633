"""What a request names becomes the spec of a job: entries of the libraries, and files of this machine."""

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from gateway.films.request import FilmRequest
from gateway.films.resolve import resolve
from gateway.library.assets import Description, StyleDescription, VoiceDescription
from gateway.library.library import Library
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError, NotFoundError
from services.media.store import MediaStore
from services.typography.fonts import ASSETS
from tests.support.films import face_picture
from tests.support.gateway_media import write_sound
from vigent.jobs.v1 import jobs_pb2

AGREED = {"person": "Anna", "statement": "You may."}
BOX = ASSETS / "styles" / "subtitle" / "box.json"


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


@pytest.fixture
def library(store: MediaStore) -> Library:
    return Library(GatewaySettings(media_root=store.root), store)


@pytest.fixture
def face(tmp_path: Path) -> str:
    (tmp_path / "face.png").write_bytes(face_picture())
    return str(tmp_path / "face.png")


def spec(library: Library, *, files: bool = True, **given: object) -> jobs_pb2.JobSpec:
    return resolve(FilmRequest.model_validate({"script": "Hello.", **given}), library, files=files)


def refused(library: Library, *, files: bool = True, **given: object) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        spec(library, files=files, **given)
    return caught.value


def test_styles_are_files_or_ids(library: Library, store: MediaStore, tmp_path: Path, face: str) -> None:
    look = tmp_path / "look.json"
    look.write_bytes(BOX.read_bytes() + b"\n")
    made = spec(library, footage=face, caption_style=str(look), title_style="headline")
    assert store.path(made.caption_style).read_bytes() == look.read_bytes()
    assert made.title_style == "headline"
    listed, _ = library.add("styles", look, "look.json", StyleDescription(role="subtitle"))
    assert spec(library, footage=face, caption_style=listed.id).caption_style == made.caption_style
    assert refused(library, footage=face, title_style=listed.id).reason == "WRONG_STYLE_ROLE"


def test_a_reference_is_taken_with_its_language_and_consent(
    library: Library, store: MediaStore, tmp_path: Path, face: str
) -> None:
    recording = write_sound(tmp_path / "anna.wav", duration_s=4)
    told = {"reference_language": "zh", "reference_text": "你好", "voice_consent": AGREED}
    made = spec(library, footage=face, voice="vivian", reference=str(recording), **told)
    assert store.path(made.reference_audio.sha256).read_bytes() == recording.read_bytes()
    assert (made.voice, made.reference_language, made.reference_text) == ("vivian", "zh", "你好")
    assert (made.consent.person, made.consent.statement) == ("Anna", "You may.")
    assert not made.HasField("face_consent")


def test_no_voice_is_cloned_without_consent(library: Library, tmp_path: Path, face: str) -> None:
    recording = write_sound(tmp_path / "anna.wav")
    error = refused(library, footage=face, reference=str(recording))
    assert (error.field, error.reason) == ("voice_consent", "NO_CONSENT")


def test_the_consent_of_the_person_in_the_footage_is_kept(library: Library, face: str) -> None:
    made = spec(library, footage=face, consent={"person": "Berta", "statement": "Use my face."})
    assert (made.face_consent.person, made.face_consent.statement) == ("Berta", "Use my face.")
    assert not made.HasField("consent")


def test_files_are_inspected_as_uploads_are(library: Library, store: MediaStore, tmp_path: Path, face: str) -> None:
    """What an upload is refused for, a file is refused for in the same words, and it is not kept."""
    cut, brief = tmp_path / "cut.png", write_sound(tmp_path / "brief.wav", duration_s=0.5)
    cut.write_bytes(face_picture()[:500])
    of_cut = refused(library, footage=str(cut))
    of_brief = refused(library, footage=face, reference=str(brief), voice_consent=AGREED)
    for error, path, kind, field, description in (
        (of_cut, cut, "footage", "footage", Description()),
        (of_brief, brief, "voices", "reference", VoiceDescription(**AGREED)),
    ):
        with pytest.raises(NotFoundError):
            store.path(hashlib.sha256(path.read_bytes()).hexdigest())
        with pytest.raises(InvalidInputError) as of_upload:
            library.add(kind, path, path.name, description)
        assert error.problem == f"{path}: {of_upload.value.problem}"
        assert (error.reason, error.field) == (of_upload.value.reason, field)


def test_what_is_no_file_is_told_for_what_it_is(library: Library, tmp_path: Path, face: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for given, words in ((tmp_path, "is a folder"), (tmp_path / "pipe", "is a pipe"), ("/dev/null", "is a device")):
        error = refused(library, footage=face, music=str(given))
        assert (error.field, error.reason, words in error.problem) == ("music", "NOT_A_FILE", True)
    nowhere = refused(library, footage=face, music=str(tmp_path / "nowhere"))
    assert "There is no file" in nowhere.problem
    for given in ("a\0b", "n" * 5_000, f"{tmp_path}/pipe/below"):
        assert refused(library, music=given).reason == "UNKNOWN_MUSIC"


def test_a_file_is_looked_at_once(library: Library, store: MediaStore, face: str) -> None:
    first = spec(library, footage=face)
    hurried = Library(GatewaySettings(media_root=store.root, inspect_limit_s=0.001), store)
    assert spec(hurried, footage=face) == first


def test_entries_are_named_by_id_or_by_name_in_any_language(library: Library, tmp_path: Path) -> None:
    music, _ = library.add("music", write_sound(tmp_path / "calm.wav", duration_s=3), "Calm.wav", Description())
    agreed = VoiceDescription(**AGREED, languages="zh, en", reference_text="你好")
    voice, _ = library.add("voices", write_sound(tmp_path / "anna.wav", 0.2), "Anna.wav", agreed)
    made = spec(library, files=False, footage="手绘主持人", music="calm", voice="ANNA", caption_style="box")
    assert made.footage.sha256 == library.entries("footage")[0].id
    assert made.music.sha256 == music.id
    assert (made.voice, made.reference_audio.sha256) == ("", voice.id)
    assert (made.reference_language, made.reference_text, made.consent.person) == ("zh", "你好", "Anna")
    assert spec(library, files=False, reference=voice.id, voice="vivian").voice == "vivian"


def test_a_name_with_an_accent_is_found_however_it_is_written(library: Library, tmp_path: Path) -> None:
    typed, of_a_file = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    music, _ = library.add("music", write_sound(tmp_path / "a.wav", duration_s=3), f"{of_a_file}.wav", Description())
    assert spec(library, files=False, music=typed).music.sha256 == music.id
    assert spec(library, files=False, music=of_a_file.upper()).music.sha256 == music.id


def test_a_name_that_several_have_is_refused(library: Library, tmp_path: Path) -> None:
    for amplitude in (0.1, 0.2):
        path = write_sound(tmp_path / "calm.wav", amplitude, duration_s=3)
        library.add("music", path, "calm.wav", Description())
    error = refused(library, music="calm")
    assert (error.field, error.reason) == ("music", "AMBIGUOUS_NAME")


def test_nobody_reaches_files_of_this_machine_from_outside(library: Library, face: str) -> None:
    error = refused(library, files=False, footage=face)
    assert (error.field, error.reason) == ("footage", "UNKNOWN_FOOTAGE")


def test_without_footage_the_presenter_of_vigent_speaks(library: Library, store: MediaStore) -> None:
    presenter = ASSETS / "demo" / "presenter.mp4"
    assert store.path(spec(library, files=False).footage.sha256).read_bytes() == presenter.read_bytes()
