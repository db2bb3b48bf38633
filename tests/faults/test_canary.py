"""An engine that answers in time and is wrong is found by its canary, which healthy engines never mind."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from services.asr.canary import CANARY as ASR
from services.asr.engine import Word
from services.base.errors import UnavailableError
from services.lipsync.canary import CANARY as LIPSYNC
from services.lipsync.engine import Patch
from services.overlay.canary import CANARY as OVERLAY
from services.tts.canary import CANARY as TTS
from services.tts.engine import Finish, FinishReason
from tests.support.servers import NOT_SERVING, SERVING, connected, events, failure, serving, start

WRONG = 'vigent_canaries_total{outcome="wrong",service="tts"}'
RIGHT = 'vigent_canaries_total{outcome="right",service="tts"}'
SYNTHESIZED = 'vigent_worker_units_total{phase="synthesize",service="tts"}'
DISTRUSTED = 'vigent_worker_distrusted{service="tts"}'


@pytest.mark.fault(
    "engine that gives wrong results",
    promised="Found while it is idle, by a tiny call whose result is checked; its worker is replaced, and callers are "
    "turned away until a call comes out right.",
)
async def test_wrong_results_are_found_and_nobody_gets_them(tmp_path: Path) -> None:
    wrong_file = tmp_path / "wrong"
    async with serving(tmp_path, {"wrong_file": wrong_file}, canary_interval_s=0.2, restart_limit=1000) as server:
        await server.until_count(RIGHT, 1)
        old = server.worker()
        wrong_file.touch()
        await server.until(NOT_SERVING)
        await server.until_problem("wrong result: The voice said nothing that can be heard.")
        await server.until_count('vigent_worker_restarts_total{reason="canary",service="tts"}', 2)
        assert (await server.metrics())[DISTRUSTED] == 1
        code, error = await failure(server.speak())
        assert code is grpc.StatusCode.UNAVAILABLE
        assert isinstance(error, UnavailableError)
        wrong_file.unlink()
        await server.until(SERVING)
        assert (await events(server.speak()))[-1] == "done"
        await server.until_metric(DISTRUSTED, 0)
        assert old not in server.workers()


async def test_engine_that_stays_wrong_is_a_crash_loop(tmp_path: Path) -> None:
    wrong_file = tmp_path / "wrong"
    async with serving(tmp_path, {"wrong_file": wrong_file}, canary_interval_s=0.2, restart_limit=1) as server:
        wrong_file.touch()
        await server.until(NOT_SERVING, "liveness")
        await server.until_metric('vigent_worker_state{service="tts",state="broken"}')


async def test_one_bad_take_is_forgiven(tmp_path: Path) -> None:
    async with serving(tmp_path, {"mute_seeds": "0"}, canary_interval_s=0.2) as server:
        await server.until_count(RIGHT, 2)
        assert (await server.metrics())[WRONG] == 0


async def test_the_units_of_a_canary_are_nobodys_work(tmp_path: Path) -> None:
    async with serving(tmp_path, canary_interval_s=0.2) as server:
        await server.until_count(RIGHT, 2)
        assert SYNTHESIZED not in await server.metrics()
        await events(server.speak("abc"))
        await server.until_metric(SYNTHESIZED, 3)


async def test_an_engine_at_work_is_not_tried(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait", "only_for": "long"}, canary_interval_s=0.2) as server:
        call = server.speak("long")
        assert (await call.read()).WhichOneof("event") == "accepted"
        tried = (await server.metrics())[RIGHT]
        log = server.log.read_text(encoding="utf-8")
        call.cancel()
        await server.until_count(RIGHT, tried + 2)
        assert "the canary got no answer" not in log


@pytest.mark.parametrize("service", ["tts", "lipsync", "asr", "overlay"])
async def test_the_engines_that_need_no_download_are_right(tmp_path: Path, service: str) -> None:
    settings = {"PORT": "0", "METRICS_PORT": "0", "CANARY_INTERVAL_S": "0.1"}
    environment = {f"VIGENT_{service.upper()}_{name}": value for name, value in settings.items()}
    async with connected(*await start(service, tmp_path, environment)) as server:
        await server.until_count(f'vigent_canaries_total{{outcome="right",service="{service}"}}', 1)
        metrics = await server.metrics()
    amiss = [f'vigent_canaries_total{{outcome="{outcome}",service="{service}"}}' for outcome in ("wrong", "unanswered")]
    assert [metrics[name] for name in amiss] == [0, 0]


@pytest.mark.parametrize(
    ("canary", "yielded"),
    [
        (TTS, []),
        (TTS, [Finish(FinishReason.END_OF_TEXT)]),
        (ASR, []),
        (ASR, [Word("One", 0, 3, 0, 10, 1.0), Word("two", 5, 8, 20, 15, 1.0), Word("three", 10, 15, 20, 30, 1.0)]),
        (ASR, [Word("One", 0, 3, 0, 10, 1.0), Word("two", 5, 8, 10, 15, 1.0), Word("three", 10, 15, 20, 10**6, 1.0)]),
        (LIPSYNC, [Patch(25), Patch(26)]),
        (LIPSYNC, [Patch(26)]),
        (OVERLAY, []),
    ],
)
def test_what_is_wrong_is_said(canary: object, yielded: list[object]) -> None:
    assert canary.wrong(yielded)  # type: ignore[attr-defined]
