"""Who agreed to being cloned is kept with the job: the speaker and the person in the footage, each for themselves."""

from tests.support.film_jobs import submitted
from tests.support.films import face_picture
from tests.support.gateway_media import write_sound

SPEAKER = {"person": "Anna", "statement": "My voice may be cloned for this test."}
FACE = {"person": "Berta", "statement": "My face may be used for this test.", "given_time": "2026-01-02T03:04:05Z"}


def test_a_job_keeps_both_consents_and_its_choices(films, tmp_path):
    sound = write_sound(tmp_path / "voice.wav").read_bytes()
    voice = films.post("/api/v1/voices", files={"file": ("voice.wav", sound)}, data=SPEAKER)
    assert voice.status_code == 201, voice.text
    footage = films.post("/api/v1/footage", files={"file": ("face.png", face_picture())}).json()["id"]
    choices = {"voice": voice.json()["id"], "consent": FACE, "platform": "tiktok", "ai_label": False}
    asked = submitted(films, footage, "Never spoken.", **choices)["request"]
    assert asked["voice"] == voice.json()["id"]
    assert {key: asked["voice_consent"][key] for key in SPEAKER} == SPEAKER
    assert asked["voice_consent"]["given_time"]
    assert asked["consent"] == FACE
    assert (asked["platform"], asked["ai_label"]) == ("tiktok", False)


def test_without_a_face_consent_none_is_claimed(films):
    footage = films.post("/api/v1/footage", files={"file": ("face.png", face_picture())}).json()["id"]
    asked = submitted(films, footage, "Hi.")["request"]
    assert (asked["consent"], asked["voice_consent"], asked["ai_label"]) == (None, None, True)


def test_a_transcript_that_no_voice_server_takes_is_refused_with_the_voice(films, tmp_path):
    sound = write_sound(tmp_path / "voice.wav").read_bytes()
    data = {**SPEAKER, "reference_text": "x" * 1001}
    refused = films.post("/api/v1/voices", files={"file": ("voice.wav", sound)}, data=data)
    assert (refused.status_code, refused.json()["field"]) == (422, "reference_text")
