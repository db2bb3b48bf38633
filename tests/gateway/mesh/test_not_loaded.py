"""A server whose engine cannot be loaded says why, to everybody who looks at it or waits for it."""

import asyncio

import pytest

from gateway.http.replicas import MeshWatch
from gateway.settings import GatewaySettings
from tests.support.commands import vigent
from tests.support.films import face_picture
from tests.support.servers import connected, start

TOLD = "config.json is missing. Pull the checkpoint with `vigent models pull`"


@pytest.fixture
def no_checkpoint(tmp_path):
    """Settings of a listening server that finds no checkpoint."""
    return {"VIGENT_ASR_ENGINE": "whisper", "VIGENT_ASR_CHECKPOINT": str(tmp_path / "没有")}


@pytest.mark.fault("weights missing, cut or wrong")
async def test_probe_and_gateway_tell_it(tmp_path, no_checkpoint):
    ports = {"VIGENT_ASR_PORT": "0", "VIGENT_ASR_METRICS_PORT": "0"}
    async with connected(*await start("asr", tmp_path, no_checkpoint | ports)) as server:
        await server.until_problem()
        probed = await asyncio.to_thread(vigent, "probe", server.address, "--timeout", "60", cwd=tmp_path)
        assert (probed.returncode, probed.stdout.strip()) == (1, "NOT_SERVING")
        assert TOLD in " ".join(probed.stderr.split())
        watch = MeshWatch(GatewaySettings.load("gateway", asr=server.address, waits={"probe_timeout_s": 60}))
        state = await watch.service("asr")
        await watch.close()
    assert not state.ok
    (replica,) = state.replicas
    assert (replica.health, replica.state, replica.engine) == ("NOT_SERVING", "load_failed", "whisper")
    assert TOLD in replica.problem


def test_make_ends_with_it(tmp_path, no_checkpoint):
    (tmp_path / "script.txt").write_text("Hello.", encoding="utf-8")
    (tmp_path / "face.png").write_bytes(face_picture())
    arguments = ["script.txt", "--footage", "face.png", "--data", "data"]  # not a mesh at the usual addresses
    made = vigent("make", *arguments, cwd=tmp_path, environment=no_checkpoint)
    assert made.returncode == 1
    told = " ".join(made.stderr.split())
    assert "asr cannot load its engine" in told
    assert TOLD in told
    assert "VIGENT_ASR_ENGINE" in told
    assert "Traceback" not in told
