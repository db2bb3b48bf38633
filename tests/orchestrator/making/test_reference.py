"""What is said in the recording of a cloned voice is written down once, by a real listener."""

import ast
import asyncio
import io
import json
import re
import wave
from collections.abc import Iterator
from urllib.request import urlopen

import numpy as np
import pytest

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.media.store import MediaStore, media_ref
from services.tts.engine import Speech, Synthesis
from services.tts.espeak import EspeakEngine
from tests.support.films import made, output, spec_of
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

SAID = "People want to know what time it is."
CONSENT = jobs_pb2.Consent(person="Anna", statement="I agree.")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    folder = tmp_path_factory.mktemp("mesh")
    environment = {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps({"log_file": str(folder / "tts.log")}),
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        "VIGENT_ASR_ENGINE": "pocketsphinx",
        "VIGENT_ORCHESTRATOR_RETAKES": "0",
    }
    with run_mesh(folder, environment) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def recording() -> bytes:
    """A recording in which a voice of espeak-ng speaks English, as a WAV file."""
    engine = EspeakEngine(EngineSettings())
    events = engine.synthesize(Synthesis(SAID, language="en"), Progress())
    pcm = np.concatenate([event.pcm for event in events if isinstance(event, Speech)])
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(engine.sample_rate_hz)
        writer.writeframes(pcm.astype("<i2").tobytes())
    return file.getvalue()


def film(mesh: Mesh, recording: bytes, script: str, **fields: object) -> jobs_pb2.Job:
    reference = media_ref(MediaStore(mesh.media_root).put_bytes(recording))
    return asyncio.run(made(mesh, spec_of(mesh, script, reference_audio=reference, consent=CONSENT, **fields)))


def reference(mesh: Mesh, job: jobs_pb2.Job) -> dict[str, str]:
    found: dict[str, str] = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))["reference"]
    return found


def last_reference_text(mesh: Mesh) -> str:
    """What the voice was told of the recording."""
    lines = [
        line
        for line in (mesh.data / "tts.log").read_text(encoding="utf-8").splitlines()
        if line.startswith("reference ")
    ]
    return str(ast.literal_eval(lines[-1].removeprefix("reference ")))


def transcriptions(mesh: Mesh) -> int:
    with urlopen(f"http://{mesh.servers['asr'].metrics}/metrics", timeout=60) as page:
        metrics = page.read().decode()
    found = re.search(r'^vigent_requests_total{code="OK",method="Transcribe".*} (\d+)', metrics, re.MULTILINE)
    return int(found[1]) if found else 0


def test_it_is_written_down_once(mesh: Mesh, recording: bytes) -> None:
    first = reference(mesh, film(mesh, recording, "One.", reference_language="en"))
    assert first["note"] == "Written down by pocketsphinx."
    assert {"to", "know", "what"} <= set(first["text"].split())
    assert last_reference_text(mesh) == first["text"]
    heard = transcriptions(mesh)
    assert heard == 1
    assert reference(mesh, film(mesh, recording, "Two.", reference_language="en")) == first
    assert transcriptions(mesh) == heard


def test_without_a_listener_for_its_language_the_voice_is_cloned_by_sound(mesh: Mesh, recording: bytes) -> None:
    found = reference(mesh, film(mesh, recording, "Three."))
    assert found["text"] == last_reference_text(mesh) == ""
    assert "By sound alone" in found["note"]


def test_what_is_given_is_taken(mesh: Mesh, recording: bytes) -> None:
    found = reference(mesh, film(mesh, recording, "Four.", reference_text=SAID, reference_language="en"))
    assert found["text"] == last_reference_text(mesh) == SAID


def test_a_recording_that_cannot_be_read_is_named(mesh: Mesh) -> None:
    job = film(mesh, b"no sound at all " * 100, "Five.", reference_language="en")
    assert job.state == jobs_pb2.JOB_STATE_FAILED
    assert (job.error.field, job.error.reason) == ("spec.reference_audio", "WRONG_FILE_TYPE")
