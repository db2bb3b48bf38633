"""OpenAI's own client at OpenAI's doors."""

import base64
import io
import json
import re
import typing
from collections.abc import Iterator

import av
import httpx
import openai
import psutil
import pytest
from openai.types import AudioResponseFormat
from openai.types.audio.speech_create_params import Voice

from gateway.http.openai_voices import LIKELY
from tests.gateway.conftest import PATIENT
from tests.support.commands import TIMEOUT_S, until
from tests.support.mesh import run_server

TEXT = "Hello world. How are you today?"
FORMATS = {"mp3": "mp3float", "opus": "opus", "aac": "aac", "flac": "flac", "wav": "pcm_s16le"}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def client(gateway) -> Iterator[openai.OpenAI]:
    with client_of(gateway) as client:
        yield client


def client_of(server) -> openai.OpenAI:
    return openai.OpenAI(api_key="none", base_url=f"http://{server.address}/v1", max_retries=0, timeout=TIMEOUT_S)


def decoded(content: bytes) -> tuple[str, float]:
    """Codec and seconds."""
    with av.open(io.BytesIO(content)) as file:
        frames = list(file.decode(audio=0))
        seconds = sum(frame.samples for frame in frames) / frames[0].sample_rate
        return file.streams.audio[0].codec_context.name, seconds


@pytest.mark.parametrize("response_format", FORMATS)
def test_every_format_is_what_it_says(client, response_format):
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=response_format)
    codec, seconds = decoded(spoken.content)
    pcm = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="pcm").content
    assert codec == FORMATS[response_format]
    assert seconds == pytest.approx(len(pcm) / 2 / 24_000, abs=0.15)


def test_mp3_is_what_comes_unasked(client):
    spoken = client.audio.speech.create(model="tts-1", voice="nova", input=TEXT)
    assert spoken.response.headers["content-type"] == "audio/mpeg"
    assert decoded(spoken.content)[0] == "mp3float"


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac", "flac"])
def test_what_is_encoded_comes_while_it_is_spoken(client, response_format):
    speech = client.audio.speech.with_streaming_response
    with speech.create(model="tts-1", voice="echo", input=TEXT * 20, response_format=response_format) as response:
        assert len(list(response.iter_bytes())) > 3


def test_a_client_that_leaves_leaves_no_encoder_behind(client, gateway):
    speech = client.audio.speech.with_streaming_response
    with speech.create(model="tts-1", voice="echo", input=TEXT * 120) as response:
        next(response.iter_bytes(1))
    process = psutil.Process(gateway.process.pid)
    assert until(lambda: not [child for child in process.children(recursive=True) if encodes(child)])


def test_more_than_can_be_encoded_at_once_is_refused_until_there_is_room(voice_server, tmp_path):
    environment = {"VIGENT_GATEWAY_TTS": voice_server.address, "VIGENT_GATEWAY_ENCODERS_AT_ONCE": "1", **PATIENT}
    with run_server("gateway", tmp_path, environment) as gateway, client_of(gateway) as client:
        speech = client.audio.speech.with_streaming_response
        with speech.create(model="m", voice="", input=TEXT * 120, response_format="flac") as response:
            parts = response.iter_bytes(1)  # held: the stream ends with it
            next(parts)
            with pytest.raises(openai.RateLimitError) as caught:
                client.audio.speech.create(model="m", voice="", input=TEXT)
            assert caught.value.response.headers["retry-after"]
            assert client.audio.speech.create(model="m", voice="", input=TEXT, response_format="wav").content
        assert until(lambda: speaks(client))


def speaks(client: openai.OpenAI) -> bool:
    try:
        return bool(client.audio.speech.create(model="m", voice="", input=TEXT).content)
    except openai.RateLimitError:
        return False


def encodes(process: psutil.Process) -> bool:
    try:
        return "services.media.speech.encoder" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def test_every_voice_that_the_client_knows_is_one_of_ours():
    names = {name for kind in typing.get_args(Voice) for name in typing.get_args(kind)}
    assert {"alloy", "marin"} < names
    assert names == set(LIKELY)


@pytest.mark.parametrize("voice", LIKELY)
def test_the_usual_voices_speak(client, voice):
    spoken = client.audio.speech.create(model="tts-1", voice=voice, input="Hi.", response_format="pcm")
    assert len(spoken.content) > 10_000


def test_voices_differ(client):
    deep, high = (
        client.audio.speech.create(model="tts-1", voice=voice, input=TEXT, response_format="pcm").content
        for voice in ("onyx", "shimmer")
    )
    assert deep != high


def test_a_voice_that_nobody_has_is_refused(client):
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.audio.speech.create(model="tts-1", voice="nobody", input=TEXT)
    assert caught.value.body["param"] == "voice"


def test_events_hold_the_sound(gateway):
    asked = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": "wav"}
    url = f"http://{gateway.address}/v1/audio/speech"
    plain = httpx.post(url, json=asked, timeout=TIMEOUT_S, trust_env=False).content
    told = httpx.post(url, json={**asked, "stream_format": "sse"}, timeout=TIMEOUT_S, trust_env=False).text
    events = [json.loads(line.removeprefix("data: ")) for line in told.split("\n\n") if line]
    assert [event["type"] for event in events[-1:]] == ["speech.audio.done"]
    assert b"".join(base64.b64decode(event["audio"]) for event in events[:-1]) == plain


def test_a_sentence_of_digits_is_in_the_language_of_its_text(client):
    def length(text: str) -> int:
        return len(client.audio.speech.create(model="m", voice="", input=text, response_format="pcm").content)

    chinese, english = length("这是数字。777。") - length("这是数字。"), length("Hello. 777.") - length("Hello.")
    alone = length("777.")
    assert abs(english - alone) < 2_000
    assert abs(chinese - alone) > 2_000


def test_models_are_listed(client):
    models = [model.id for model in client.models.list()]
    assert "vigent" in models
    assert client.models.retrieve(models[0]).id == models[0]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing")


def test_what_was_spoken_is_heard(film_gateway):
    with client_of(film_gateway) as client:
        wav = client.audio.speech.create(model="tts-1", voice="ash", input=TEXT).content
        heard = client.audio.transcriptions.create(
            model="whisper-1",
            file=("speech.mp3", wav),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    assert heard.language == "en"
    assert heard.text
    assert heard.words[0].end > heard.words[0].start
    assert heard.segments


@pytest.fixture(scope="module")
def listening(film_gateway) -> Iterator[tuple[openai.OpenAI, bytes]]:
    """A client of a gateway that hears, and something to hear."""
    with client_of(film_gateway) as client:
        yield client, client.audio.speech.create(model="tts-1", voice="ash", input=TEXT).content


SHAPES = {
    "json": lambda heard: heard.text,
    "verbose_json": lambda heard: "".join(segment.text for segment in heard.segments),
    "text": str.strip,
    "srt": lambda heard: re.fullmatch(r"1\n\d\d:\d\d:\d\d,\d{3} --> (?s:.+)", heard),
    "vtt": lambda heard: re.fullmatch(r"WEBVTT\n\n\d\d:\d\d:\d\d\.\d{3} --> (?s:.+)", heard),
}


def test_every_format_of_transcriptions_is_known_here():
    assert set(SHAPES) == set(typing.get_args(AudioResponseFormat)) - {"diarized_json"}  # nobody here tells speakers


@pytest.mark.parametrize("response_format", SHAPES)
def test_what_is_heard_comes_in_every_format(listening, response_format):
    client, sound = listening
    file = ("speech.mp3", sound)
    heard = client.audio.transcriptions.create(model="m", file=file, language="en", response_format=response_format)
    assert SHAPES[response_format](heard)


def test_what_is_heard_comes_while_it_is_heard(listening):
    client, sound = listening
    file = ("speech.mp3", sound)
    *parts, last = client.audio.transcriptions.create(model="m", file=file, language="en", stream=True)
    assert {part.type for part in parts} == {"transcript.text.delta"}
    assert (last.type, last.text) == ("transcript.text.done", "".join(part.delta for part in parts))


@pytest.mark.parametrize("response_format", [*FORMATS, "pcm"])
async def test_so_it_is_on_an_event_loop(gateway, response_format):
    async with openai.AsyncOpenAI(api_key="none", base_url=f"http://{gateway.address}/v1", max_retries=0) as client:
        speech = client.audio.speech.with_streaming_response
        asked = {"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": response_format}
        async with speech.create(**asked, timeout=TIMEOUT_S) as response:
            assert [part async for part in response.iter_bytes()]


@pytest.mark.parametrize("name", ["timestamp_granularities", "timestamp_granularities[]"])
@pytest.mark.parametrize("asked", [["word"], ["segment", "word"]])
def test_a_field_that_comes_again_is_a_list(film_gateway, name, asked):
    url = f"http://{film_gateway.address}"
    with httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False) as http:
        wav = http.post("/v1/audio/speech", json={"input": "Hello world.", "response_format": "wav"}).content
        data = {name: asked, "response_format": "verbose_json", "language": "en"}
        heard = http.post("/v1/audio/transcriptions", files={"file": ("a.wav", wav)}, data=data)
    assert heard.json()["words"], heard.text


def test_a_field_of_one_value_that_comes_twice_is_refused(http):
    wav = http.post("/v1/audio/speech", json={"input": "Hi.", "response_format": "wav"}).content
    refused = http.post("/v1/audio/transcriptions", files={"file": ("a.wav", wav)}, data={"language": ["en", "zh"]})
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "language")
