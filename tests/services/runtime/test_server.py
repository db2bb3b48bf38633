"""The life of a server process: how it starts, what it says, how it ends."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import grpc
import pytest

from services.base.exits import EXIT_PORT_TAKEN
from tests.support.servers import (
    NOT_SERVING,
    SERVING,
    TIMEOUT_S,
    TTS,
    ended,
    failure,
    launch,
    listening,
    serving,
    stop,
)


async def test_says_where_it_is_and_ends_with_zero(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert server.process.stdout is not None
        line = await server.process.stdout.readline()
        assert line.decode() == f"tts ready on {server.address} (engine tests.knobs.tts:KnobsTts)\n"
        assert await stop(server) == 0
    assert [line.split(" ", 2)[1] for line in server.log.read_text(encoding="utf-8").splitlines()] == ["INFO"]


@pytest.mark.fault("second server for the same port or data")
@pytest.mark.parametrize("setting", ["port", "metrics_port"])
async def test_port_in_use_is_one_clear_line(tmp_path: Path, setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = await ended(tmp_path, **{setting: port})
    assert (code, out) == (EXIT_PORT_TAKEN, "")
    assert len(err.splitlines()) == 1
    assert f"127.0.0.1:{port} cannot be opened: Address already in use." in err
    assert f"VIGENT_TTS_{setting.upper()}" in err


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("engine", "wishful", "There is no engine 'wishful'. Choose one of espeak"),
        ("engine", "tests.knobs.tts:Wishful", "'tests.knobs.tts:Wishful' cannot be imported"),
        ("engine", "no.such.module:Engine", "No module named 'no'"),
        ("slots", "many", "'many'"),
        ("host", "no.such.host.invalid", "no.such.host.invalid"),
    ],
)
async def test_wrong_setting_is_one_clear_line(tmp_path: Path, setting: str, value: str, told: str) -> None:
    code, _, err = await ended(tmp_path, **{setting: value})
    assert code == 2
    assert told in err
    assert "Traceback" not in err


@pytest.mark.fault(
    "weights missing, cut or wrong",
    promised="Not ready, but live; why is said to everybody, and it is tried again ever more rarely.",
)
async def test_engine_that_fails_to_load_is_said_once_and_tried_again(tmp_path: Path) -> None:
    async with listening(tmp_path, {"load_action": "error"}, recovery__reload_pause_s=0.05) as server:
        await server.until_count('vigent_worker_restarts_total{reason="load",service="tts"}', 3)
        assert [await server.check(name) for name in ("", TTS, "liveness")] == [NOT_SERVING, NOT_SERVING, SERVING]
        assert (
            await server.problem() == "The engine tests.knobs.tts:KnobsTts could not be loaded. See the worker's log."
        )
        code, error = await failure(server.speak())
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        assert str(error) == await server.problem()
        scraped = await server.metrics()
        assert scraped['vigent_engine_problem{reason="INTERNAL",service="tts"}'] == 1
        assert scraped['vigent_worker_state{service="tts",state="load_failed"}'] == 1
        assert await stop(server) == 0
    log = server.log.read_text(encoding="utf-8")
    assert log.count("cannot be loaded and is tried again") == 1
    assert "secret internals of the engine" in log


async def test_signal_while_loading_ends_the_server(tmp_path: Path) -> None:
    process, log = await launch(tmp_path, {"load_action": "hang_holding_gil"})
    assert process.stdout is not None
    assert b"listening" in await asyncio.wait_for(process.stdout.readline(), TIMEOUT_S)
    process.terminate()
    await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    assert process.returncode == 0
    assert "Traceback" not in log.read_text(encoding="utf-8")


async def test_wrong_setting_in_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "vigent.toml").write_text("[tts]\nqueue_limit = -1\n", encoding="utf-8")
    code, _, err = await ended(tmp_path)
    assert code == 2
    assert f"queue_limit below [tts] in {tmp_path / 'vigent.toml'}" in err


async def test_a_name_in_the_environment_that_nobody_reads_is_told_at_the_start(tmp_path: Path) -> None:
    async with listening(tmp_path, slot=2) as server:
        assert "Nothing reads VIGENT_TTS_SLOT" in server.log.read_text(encoding="utf-8")
        assert "Did you mean VIGENT_TTS_SLOTS?" in server.log.read_text(encoding="utf-8")
