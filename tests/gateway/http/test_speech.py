"""OpenAI's doors, with a real voice."""

import json
import struct
from itertools import pairwise

import httpx
import numpy as np
import pytest

from gateway.http.routes.speech import OPENAI_PCM_RATE_HZ, wav_header
from tests.gateway.conftest import PATIENT, client_of
from tests.support.mesh import run_server

TEXT = "你好，世界。This is a test of the voice! It goes on for a while."


def spoken(http: httpx.Client, **fields) -> httpx.Response:
    return http.post("/v1/audio/speech", json={"model": "tts-1", "input": TEXT, **fields})


def samples(wav: bytes) -> np.ndarray:
    assert wav[:4] == b"RIFF"
    assert wav[8:12] == b"WAVE"
    return np.frombuffer(wav[44:], "<i2")


def test_speech_is_a_wav_of_the_voice(http):
    response = spoken(http, response_format="wav")
    assert response.status_code == 200
    assert response.headers["content-type"] == "audio/wav"
    pcm = samples(response.content)
    (rate_hz,) = struct.unpack("<I", response.content[24:28])
    assert pcm.size > 2 * rate_hz  # more than two seconds for this much text
    assert np.abs(pcm).max() > 1000


def test_a_mark_between_sentences_ends_no_answer(http):
    with_marks, without = (
        samples(spoken(http, input=text, response_format="wav").content)
        for text in ("One! \U0001f389 ... Two.", "One! Two.")
    )
    assert with_marks.size > 0.9 * without.size


def test_text_is_read_as_a_script_is(http):
    marked, plain = (
        samples(spoken(http, input=text, response_format="wav").content)
        for text in ("## One\n[Two](https://vigent.example/a/long/way) three.", "One\nTwo three.")
    )
    assert marked.size == plain.size


def test_speech_comes_in_pieces(http):
    with http.stream("POST", "/v1/audio/speech", json={"input": TEXT * 5}) as response:
        sizes = [len(chunk) for chunk in response.iter_raw()]
    assert len(sizes) > 3


def test_pcm_is_at_openais_rate(http):
    wav, pcm = spoken(http, response_format="wav").content, spoken(http, response_format="pcm")
    assert pcm.headers["content-type"] == "audio/pcm"
    (rate_hz,) = struct.unpack("<I", wav[24:28])
    duration_s = samples(wav).size / rate_hz
    assert len(pcm.content) / 2 / OPENAI_PCM_RATE_HZ == pytest.approx(duration_s, abs=0.01)


def test_speed_changes_the_length(http):
    sizes = [samples(spoken(http, speed=speed, response_format="wav").content).size for speed in (4, 2, 1, 0.5, 0.25)]
    assert all(slower > 1.5 * faster for faster, slower in pairwise(sizes))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"voice": "nobody"}, "voice"),
        ({"input": ""}, "input"),
        ({"input": "x" * 5000}, "input"),
        ({"input": "half \ud800"}, "input"),
        ({"input": "a\0b"}, "input"),
        ({"input": "All of it is looked at before. a\x1b"}, "input"),
        ({"input": "😀"}, "input"),
        ({"input": "Spoken up to here. " + "x" * 400}, "input"),
        ({"speed": 9}, "speed"),
        ({"speed": 0.2}, "speed"),
        ({"response_format": "wma"}, "response_format"),
        ({"instructions": "Whisper."}, "instructions"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_errors_are_where_openais_clients_look(http, fields, param):
    response = spoken(http, **fields) if fields.get("input") != "half \ud800" else surrogate(http)
    assert response.status_code == 422
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]
    assert response.json()["remedy"]


def test_an_engine_that_can_be_told_how_to_speak_is_told(tmp_path):
    heard = tmp_path / "heard"
    options = json.dumps({"instructed": "1", "log_file": str(heard)})
    engine = {"VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts", "VIGENT_TTS_OPTIONS": options}
    with run_server("services.tts", tmp_path, engine) as tts:
        environment = {"VIGENT_GATEWAY_TTS": tts.address, **PATIENT}
        with run_server("gateway", tmp_path, environment) as gateway, client_of(gateway) as client:
            for voice in ("tone", "tone: slowly", ""):
                asked = {"voice": voice, "instructions": "Whisper.", "response_format": "pcm"}
                assert spoken(client, input="Hi.", **asked).status_code == 200
    said = [line for line in heard.read_text(encoding="utf-8").splitlines() if line.startswith("call")]
    assert said == ["call, Whisper.", "call, slowly; Whisper.", "call, Whisper."]


def surrogate(http: httpx.Client) -> httpx.Response:
    body = b'{"input": "half \\ud800"}'
    return http.post("/v1/audio/speech", content=body, headers={"Content-Type": "application/json"})


def test_a_server_that_is_missing_is_named(http):
    response = http.post("/v1/audio/transcriptions", files={"file": ("a.wav", tone_wav())})
    assert response.status_code == 503
    assert "asr" in response.json()["error"]["message"]


def test_a_transcription_needs_sound(http):
    response = http.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"no sound")})
    assert response.status_code == 422
    assert response.json()["error"]["param"] == "file"
    unknown = http.post("/v1/audio/transcriptions", files={"file": ("a.wav", tone_wav())}, data={"modle": "x"})
    assert unknown.json()["error"]["param"] == "modle"


def tone_wav() -> bytes:
    pcm = (8000 * np.sin(np.arange(16_000) / 10)).astype("<i2").tobytes()
    return wav_header(16_000)[:40] + struct.pack("<I", len(pcm)) + pcm
