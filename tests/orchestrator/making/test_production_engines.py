"""A whole film through a real mesh with Qwen3-TTS, LatentSync and Whisper, from tiny random checkpoints on the CPU."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from urllib.request import urlopen

import pytest

from tests.checkpoints.latentsync import write_latentsync
from tests.checkpoints.qwen3 import make_checkpoint
from tests.checkpoints.whisper import write_whisper
from tests.support.films import facts_of, made, output, spec_of
from tests.support.mesh import Mesh, Server, run_mesh
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2

SCRIPT = "你好。Hi, you."
WIDTH, HEIGHT = 128, 224

pytestmark = pytest.mark.timeout(480)  # three engines import torch and CTranslate2 before the mesh is ready


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of the three engines and their checkpoints."""
    folder = tmp_path_factory.mktemp("checkpoints")
    engines = {
        "TTS": ("qwen3", make_checkpoint(folder / "qwen3", "custom_voice"), {"temperature": "3"}),  # so it ends soon
        "LIPSYNC": ("latentsync", write_latentsync(folder / "latentsync"), {}),
        "ASR": ("whisper", write_whisper(folder / "whisper"), {"cpu_threads": "1", "beam_size": "1"}),
    }
    settings = {
        "OMP_NUM_THREADS": "1",
        "VIGENT_ORCHESTRATOR_RETAKE_ERROR_RATE": "1000",  # random weights understand nothing: judged, but taken
    }
    for name, (engine, checkpoint, options) in engines.items():
        settings |= {
            f"VIGENT_{name}_ENGINE": engine,
            f"VIGENT_{name}_CHECKPOINT": str(checkpoint),
            f"VIGENT_{name}_OPTIONS": json.dumps(options),
        }
    return settings


def film(mesh: Mesh, voice: str = "eric: in a whisper") -> jobs_pb2.Job:
    spec = spec_of(mesh, SCRIPT, width=WIDTH, height=HEIGHT, quality=lipsync_pb2.QUALITY_DRAFT, seed=3, voice=voice)
    return asyncio.run(made(mesh, spec))


def report(mesh: Mesh, job: jobs_pb2.Job) -> dict[str, object]:
    content: dict[str, object] = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))
    return content


def lipsyncs(server: Server) -> int:
    """Segments that a replica has finished."""
    with urlopen(f"http://{server.metrics}/metrics", timeout=60) as page:
        metrics = page.read().decode()
    found = re.search(r'^vigent_requests_total{code="OK",method="Lipsync".*} (\d+)', metrics, re.MULTILINE)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def mesh(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh with two lip-sync servers."""
    with run_mesh(tmp_path_factory.mktemp("mesh"), environment, lipsync_replicas=2) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def by_two(mesh: Mesh) -> tuple[Mesh, jobs_pb2.Job]:
    """The film that two replicas made together."""
    job = film(mesh)
    assert [lipsyncs(mesh.servers[name]) for name in ("lipsync", "lipsync-2")] == [1, 1]
    return mesh, job


def test_a_script_becomes_a_film(by_two: tuple[Mesh, jobs_pb2.Job]) -> None:
    mesh, job = by_two
    facts = facts_of(output(mesh, job, "film.mp4"))
    assert [segment.text for segment in job.segments] == ["你好。", "Hi, you."]
    assert facts.frames == sum(segment.frames for segment in job.segments) > 0
    assert (facts.width, facts.height) == (WIDTH, HEIGHT)
    assert abs(facts.video_s - facts.audio_s) <= 1 / 25


def test_a_voice_that_is_told_how_to_speak_must_be_one(by_two: tuple[Mesh, jobs_pb2.Job]) -> None:
    refused = film(by_two[0], "nobody: in a whisper").error
    assert (refused.field, refused.reason) == ("spec.voice", "UNKNOWN_VOICE")
    assert "eric" in refused.remedy


def test_each_part_was_made_by_its_engine(by_two: tuple[Mesh, jobs_pb2.Job]) -> None:
    engines = report(*by_two)["engines"]
    assert isinstance(engines, dict)
    assert [engines[name].split()[0] for name in ("tts", "lipsync", "asr")] == ["qwen3", "latentsync", "whisper"]
    assert report(*by_two)["frames_without_face"] == 0


def test_takes_were_judged_by_whisper(by_two: tuple[Mesh, jobs_pb2.Job]) -> None:
    takes = report(*by_two)["takes"]
    assert isinstance(takes, list)
    assert [take["takes"] for take in takes] == [1, 1]
    assert all(take["error_rate"] > 0 for take in takes)


def test_captions_are_the_script_in_order(by_two: tuple[Mesh, jobs_pb2.Job]) -> None:
    lines = output(*by_two, "captions.srt").read_text(encoding="utf-8").splitlines()
    spoken = "".join(line for line in lines if line and "-->" not in line and not line.isdecimal())
    assert [character for character in spoken if character.isalnum()] == [*"你好Hiyou"]
    times = [line.split(" --> ") for line in lines if "-->" in line]
    assert all(start < end for start, end in times)
    assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_two_lip_sync_replicas_make_the_film_of_one(by_two: tuple[Mesh, jobs_pb2.Job]) -> None:
    """The last test: it takes one replica away, and what the other remembers having made."""
    mesh, together = by_two
    mesh.servers["lipsync-2"].stop()
    forget_pieces(mesh)
    alone = film(mesh)
    assert lipsyncs(mesh.servers["lipsync"]) == 3
    assert films_of(alone) == films_of(together)
    assert all(films_of(alone))


def forget_pieces(mesh: Mesh) -> None:
    """Nothing that was made is found again; the content itself stays."""
    for key in (mesh.media_root / "keys").iterdir():
        key.unlink()


def films_of(job: jobs_pb2.Job) -> list[str]:
    return [segment.film.sha256 for segment in job.segments]
