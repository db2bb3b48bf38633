"""From the words of the command line to the spec of a job."""

from pathlib import Path

import pytest

from gateway.films.request import Ingredients, spec_of_ingredients
from gateway.settings import GatewaySettings
from services.media.store import MediaStore
from services.typography.fonts import ASSETS
from tests.support.films import face_picture
from tests.support.gateway_media import write_sound
from vigent.jobs.v1 import jobs_pb2


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media")


def spec(store: MediaStore, tmp_path: Path, **given: object) -> jobs_pb2.JobSpec:
    (tmp_path / "face.png").write_bytes(face_picture())
    settings = GatewaySettings(media_root=store.root)
    return spec_of_ingredients(
        Ingredients(script="Hello.", footage=str(tmp_path / "face.png"), **given), settings, store
    )


def test_styles_are_files_or_ids(store: MediaStore, tmp_path: Path) -> None:
    look = tmp_path / "look.json"
    look.write_bytes((ASSETS / "styles" / "subtitle" / "box.json").read_bytes() + b"\n")
    made = spec(store, tmp_path, caption_style=str(look), title_style="headline")
    assert store.path(made.caption_style).read_bytes() == look.read_bytes()
    assert made.title_style == "headline"
    assert spec(store, tmp_path, caption_style=made.caption_style).caption_style == made.caption_style


def test_a_reference_is_taken_with_its_language_and_consent(store: MediaStore, tmp_path: Path) -> None:
    recording = write_sound(tmp_path / "anna.wav", duration_s=4)
    told = {"reference_language": "zh", "reference_text": "你好", "consent_of": "Anna", "consent": "You may."}
    made = spec(store, tmp_path, reference=recording, **told)
    assert store.path(made.reference_audio.sha256).read_bytes() == recording.read_bytes()
    assert (made.reference_language, made.reference_text) == ("zh", "你好")
    assert (made.consent.person, made.consent.statement) == ("Anna", "You may.")
    assert not made.HasField("face_consent")


def test_the_consent_of_the_person_in_the_footage_is_kept(store: MediaStore, tmp_path: Path) -> None:
    made = spec(store, tmp_path, face_consent_of="Berta", face_consent="Use my face.")
    assert (made.face_consent.person, made.face_consent.statement) == ("Berta", "Use my face.")
    assert not made.HasField("consent")
