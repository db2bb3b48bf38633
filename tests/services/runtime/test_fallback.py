"""An engine that is not installed is stood in for; which engine works is settled by the first load."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2

from gateway.http.replicas import MeshWatch
from gateway.settings import GatewaySettings
from services.base.names import ENGINE_METADATA_KEY, FALLBACK_METADATA_KEY
from tests.support.commands import vigent
from tests.support.servers import SERVING, TIMEOUT_S, Server, ended, events, listening, serving

ENGINE = "tests.support.needs_program:NeedsProgram"
TOLD = f"espeak stands in for {ENGINE}: engine: It lacks a program. Install it."


async def told(server: Server) -> tuple[str, str]:
    """What health says of the engine that works, and of why it is another one."""
    call = server.health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
    engine = dict(await call.initial_metadata())[ENGINE_METADATA_KEY]
    return str(engine).split()[0], str(dict(await call.trailing_metadata()).get(FALLBACK_METADATA_KEY, ""))


async def test_another_engine_works_and_it_is_said_everywhere(tmp_path: Path) -> None:
    program = tmp_path / "program"
    async with serving(tmp_path, {"program": program}, engine=ENGINE, fallback_engine="espeak") as server:
        assert server.process.stdout is not None
        assert (await server.process.stdout.readline()).decode().endswith("(engine espeak)\n")
        assert await told(server) == ("espeak", TOLD)
        assert await server.problem() == ""
        assert (await server.speak("Hello.").read()).accepted.accepted.engine == "espeak"
        assert TOLD in server.log.read_text(encoding="utf-8")
        assert (await server.metrics())['vigent_engine_stands_in{engine="espeak",service="tts"}'] == 1
        probed = await asyncio.to_thread(vigent, "probe", server.address, "--timeout", "60", cwd=tmp_path)
        assert (probed.returncode, probed.stdout.strip()) == (0, "SERVING")
        assert TOLD in " ".join(probed.stderr.split())
        watch = MeshWatch(GatewaySettings.load("gateway", tts=server.address, waits={"probe_timeout_s": 60}))
        state = await watch.service("tts")
        await watch.close()
        assert state.ok
        assert (state.replicas[0].fallback_reason, state.replicas[0].problem) == (TOLD, "")


async def test_it_stays_even_when_the_program_comes(tmp_path: Path) -> None:
    program, calls = tmp_path / "program", tmp_path / "calls of the other"
    options = {"program": program, "log_file": calls}
    async with serving(tmp_path, options, engine=ENGINE, fallback_engine="espeak") as server:
        program.touch()
        old = server.worker()
        old.kill()
        await server.replaced(old)
        assert await told(server) == ("espeak", TOLD)
        assert (await events(server.speak("Hello.")))[-1] == "done"
    assert not calls.exists()


async def test_who_has_worked_is_waited_for(tmp_path: Path) -> None:
    (program := tmp_path / "program").touch()
    settings = {"engine": ENGINE, "fallback_engine": "espeak", "reload_pause_s": 0.05}
    async with serving(tmp_path, {"program": program}, **settings) as server:
        assert await told(server) == (ENGINE, "")
        program.unlink()
        server.worker().kill()
        await server.until_problem("It lacks a program.")
        program.touch()
        await server.until(SERVING)
        assert await told(server) == (ENGINE, "")


async def test_nothing_stands_in_unless_asked(tmp_path: Path) -> None:
    async with listening(tmp_path, {"program": tmp_path / "program"}, engine=ENGINE) as server:
        await server.until_problem("It lacks a program.")
        assert (await told(server))[1] == ""


@pytest.mark.parametrize(("fallback", "said"), [("wishful", "There is no engine 'wishful'")])
async def test_a_stand_in_that_does_not_exist_is_one_clear_line(tmp_path: Path, fallback: str, said: str) -> None:
    code, _, err = await ended(tmp_path, fallback_engine=fallback)
    assert code == 2
    assert said in err
    assert "VIGENT_TTS_FALLBACK_ENGINE" in err
