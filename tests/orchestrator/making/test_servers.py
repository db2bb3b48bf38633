import asyncio

import pytest

from orchestrator.making.servers import Service
from services.base.errors import UnavailableError
from tests.support.mesh import run_server
from tests.support.servers import connected, start
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

NOBODY = "127.0.0.1:1"


async def test_a_replica_that_is_away_hides_no_engine(tmp_path):
    with run_server("services.overlay", tmp_path) as server:
        service = Service(f"{NOBODY},{server.address}", "vigent.overlay.v1.OverlayService", OverlayServiceStub)
        engine = await asyncio.wait_for(service.engine(), 60)
        assert (engine.name, engine.judges_takes) == ("plain", False)
        await service.close()


async def test_an_engine_that_cannot_be_loaded_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("orchestrator.making.servers._DESCRIBE_TIMEOUT_S", 0.5)
    monkeypatch.setattr("orchestrator.making.servers._PROBLEM_TIMEOUT_S", 60)
    missing = {"VIGENT_ASR_ENGINE": "whisper", "VIGENT_ASR_CHECKPOINT": str(tmp_path / "missing")}
    async with connected(*await start("asr", tmp_path, {**missing, "VIGENT_ASR_PORT": "0"})) as server:
        await server.until_problem()
        service = Service(server.address, "vigent.asr.v1.AsrService", AsrServiceStub)
        with pytest.raises(UnavailableError, match=r"config\.json is missing\. Pull the checkpoint"):
            await service.engine()
        await service.close()


async def test_servers_that_are_away_are_named(monkeypatch):
    monkeypatch.setattr("orchestrator.making.servers._DESCRIBE_TIMEOUT_S", 0.5)
    service = Service(NOBODY, "vigent.overlay.v1.OverlayService", OverlayServiceStub)
    with pytest.raises(
        UnavailableError, match=r"No replica of vigent\.overlay\.v1\.OverlayService at 127\.0\.0\.1:1 serves"
    ):
        await service.engine()
    await service.close()


async def test_a_server_is_found_by_its_name(tmp_path):
    with run_server("services.overlay", tmp_path) as server:
        port = server.address.rpartition(":")[2]
        service = Service(f"dns:///localhost:{port}", "vigent.overlay.v1.OverlayService", OverlayServiceStub)
        assert (await asyncio.wait_for(service.engine(), 60)).name == "plain"
        with service.least_busy() as stub:
            assert stub is not None
        await service.close()


async def test_a_name_that_nobody_has_is_told():
    service = Service("dns:///nobody.invalid:8054", "vigent.overlay.v1.OverlayService", OverlayServiceStub)
    with pytest.raises(UnavailableError, match=r"at dns:///nobody\.invalid:8054 serves"):
        await service.engine()
    with pytest.raises(UnavailableError, match=r"at dns:///nobody\.invalid:8054 is known"), service.least_busy():
        pass
    await service.close()
