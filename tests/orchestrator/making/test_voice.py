"""Takes that say another thing are spoken again; right ones are not, and nothing is done twice."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from orchestrator.client import JobClient
from orchestrator.making.voice import retake_seed
from tests.support.films import ended, made, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

SCRIPT = "Hello 2 worlds. Hello two worlds!"  # what is heard is the same for both
HEARD = "hello two worlds"
SEED = 7


def test_seeds_repeat() -> None:
    assert retake_seed(5, 0) == 5
    assert retake_seed(5, 2) == retake_seed(5, 2) != retake_seed(6, 2)
    assert 0 <= retake_seed(2**64 - 1, 1) < 2**63


@contextmanager
def mesh_of(
    data: Path, wrong_seeds: list[int], misheard: str, settings: Mapping[str, str] | None = None
) -> Iterator[Mesh]:
    """A voice that speaks too high with some seeds, and a listener that understands another thing then."""
    voice = {"wrong_seeds": ",".join(map(str, wrong_seeds)), "log_file": str(data / "tts.log")}
    listener = {"heard": HEARD, "misheard": misheard, "log_file": str(data / "asr.log")}
    environment = {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps(voice),
        "VIGENT_ASR_ENGINE": "tests.knobs.asr:KnobsAsr",
        "VIGENT_ASR_OPTIONS": json.dumps(listener),
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        **(settings or {}),
    }
    with run_mesh(data, environment) as mesh:
        yield mesh


def film(mesh: Mesh, seed: int = SEED) -> jobs_pb2.Job:
    return asyncio.run(made(mesh, spec_of(mesh, SCRIPT, seed=seed)))


def takes(mesh: Mesh, job: jobs_pb2.Job) -> list[tuple[int, float | None]]:
    report = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))
    assert [take["segment"] for take in report["takes"]] == list(range(len(job.segments)))
    return [(take["takes"], take["error_rate"]) for take in report["takes"]]


def calls(mesh: Mesh, service: str) -> int:
    return (mesh.data / f"{service}.log").read_text(encoding="utf-8").splitlines().count("call")


def retakes_counted(mesh: Mesh) -> int:
    with urlopen(f"http://{mesh.servers['orchestrator'].metrics}/metrics", timeout=60) as page:
        found = re.search(r"^vigent_retakes_total (\d+)", page.read().decode(), re.MULTILINE)
    assert found
    return int(found[1])


def test_a_wrong_take_is_spoken_again_with_another_seed_and_a_right_one_is_not(tmp_path: Path) -> None:
    with mesh_of(tmp_path, [SEED], "something else") as mesh:
        right = film(mesh, seed=SEED + 1)
        assert takes(mesh, right) == [(1, 0.0), (1, 0.0)]
        assert (calls(mesh, "tts"), retakes_counted(mesh)) == (2, 0)
        retaken = film(mesh)
        assert takes(mesh, retaken) == [(2, 0.0), (2, 0.0)]
        assert (calls(mesh, "tts"), retakes_counted(mesh)) == (6, 2)
        again = film(mesh)  # finds takes and verdicts
        assert (calls(mesh, "tts"), retakes_counted(mesh)) == (6, 2)
        voices = [[segment.voice.sha256 for segment in job.segments] for job in (retaken, again)]
        assert voices[0] == voices[1]


def test_the_least_wrong_take_is_kept_after_the_last(tmp_path: Path) -> None:
    wrong = [retake_seed(SEED, attempt) for attempt in (1, 2)]
    settings = {"VIGENT_ORCHESTRATOR_RETAKES": "2", "VIGENT_ORCHESTRATOR_RETAKE_ERROR_RATE": "0.01"}
    with mesh_of(tmp_path, wrong, "something else", settings) as mesh:
        right = film(mesh)
        assert takes(mesh, right) == [(1, 0.0), (1, 0.0)]
        spoken = calls(mesh, "tts")
        job = asyncio.run(made(mesh, spec_of(mesh, "Hello two world.", seed=SEED)))
        ((count, rate),) = takes(mesh, job)
        assert (count, calls(mesh, "tts") - spoken) == (3, 3)
        assert rate == pytest.approx(1 / len("hellotwoworld"), abs=1e-3)  # of the first take, not of the worse ones


def test_a_take_that_says_nothing_is_spoken_again_and_the_last_one_is_named(tmp_path: Path) -> None:
    every = {retake_seed(SEED + 1, attempt) for attempt in range(9)}
    mute = {"mute_seeds": ",".join(map(str, {SEED, *every})), "log_file": str(tmp_path / "tts.log")}
    with mesh_of(tmp_path, [], "", {"VIGENT_TTS_OPTIONS": json.dumps(mute)}) as mesh:
        assert takes(mesh, film(mesh)) == [(2, 0.0), (2, 0.0)]
        failed = film(mesh, seed=SEED + 1)
        assert failed.state == jobs_pb2.JOB_STATE_FAILED
        assert failed.error.reason == "MUTE_TAKE"
        assert "said nothing" in failed.error.message


@pytest.mark.parametrize("settings", [{"VIGENT_ORCHESTRATOR_RETAKES": "0"}, {"VIGENT_ASR_ENGINE": "pocketsphinx"}])
def test_takes_are_not_judged_where_nobody_can(tmp_path: Path, settings: dict[str, str]) -> None:
    with mesh_of(tmp_path, [SEED], "something else", {**settings, "VIGENT_ASR_OPTIONS": "{}"}) as mesh:
        assert takes(mesh, film(mesh)) == [(1, None), (1, None)]
        assert calls(mesh, "tts") == 2


async def test_a_killed_orchestrator_does_not_speak_again(tmp_path: Path) -> None:
    slow = {"VIGENT_LIPSYNC_OPTIONS": json.dumps({"delay_s": "0.1"})}
    with mesh_of(tmp_path, [SEED], "something else", slow) as mesh:
        async with JobClient(mesh.jobs) as client:
            job = (await client.submit(spec_of(mesh, SCRIPT, seed=SEED))).job
            await until(client, job.id, lambda event: event.progress.percent > 10)  # frames: the voice was judged
            before = calls(mesh, "tts")
            mesh.servers["orchestrator"].kill()
            mesh.servers["orchestrator"].start()
            done = await ended(client, job.id)
        assert takes(mesh, done) == [(2, 0.0), (2, 0.0)]
        assert before <= calls(mesh, "tts") <= 5  # a take that was just being spoken is spoken again
