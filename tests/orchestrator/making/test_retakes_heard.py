"""Takes that went wrong are heard and spoken again, with the real weights of Kokoro and of Whisper base."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.support.films import made, output, spec_of
from tests.support.mesh import Mesh, run_mesh
from tests.support.natural import CUT_SEED, OTHER_WORDS_SEED, REPEATED_SEED
from tests.support.starter import starter_model

SCRIPT = "请大家把手机调成静音，会议马上就要开始了。"
RIGHT_SEED = 1


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    environment = {
        "VIGENT_TTS_ENGINE": "tests.support.natural:SpoilingKokoro",
        "VIGENT_TTS_CHECKPOINT": str(starter_model("kokoro-82m")),
        "VIGENT_TTS_OPTIONS": '{"threads": "1"}',
        "VIGENT_ASR_ENGINE": "whisper",
        "VIGENT_ASR_CHECKPOINT": str(starter_model("faster-whisper-base")),
        "VIGENT_ASR_OPTIONS": '{"cpu_threads": "1"}',
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
    }
    with run_mesh(tmp_path_factory.mktemp("mesh"), environment) as mesh:
        yield mesh


@pytest.mark.parametrize(("seed", "takes"), [(RIGHT_SEED, 1), (CUT_SEED, 2), (REPEATED_SEED, 2), (OTHER_WORDS_SEED, 2)])
def test_a_spoiled_take_is_spoken_again_and_a_right_one_is_not(mesh: Mesh, seed: int, takes: int) -> None:
    job = asyncio.run(made(mesh, spec_of(mesh, SCRIPT, seed=seed, voice="zf_xiaobei")))
    (take,) = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))["takes"]
    assert take["takes"] == takes
    assert take["error_rate"] < 0.1
