"""The life of the orchestrator: what it cannot start with is said in words, without passwords; how it ends."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.base.exits import EXIT_PORT_TAKEN
from services.base.status import error_of
from tests.support.films import spec_of
from tests.support.mesh import ROOT, Mesh, run_server
from vigent.jobs.v1 import jobs_pb2, jobs_pb2_grpc

TIMEOUT_S = 60.0


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"DATABASE_URL": "nosql://user:hunter2@host/jobs"}, 2, ["DATABASE_URL", "sqlite:///"]),
        ({"DATABASE_URL": "postgresql://user:hunter2@127.0.0.1:1/jobs"}, 1, ["DATABASE_URL", "refused"]),
        ({"DATABASE_URL": "sqlite:///{folder}/text"}, 1, ["DATABASE_URL", "not a database"]),
        ({"ENCODER": "h265"}, 2, ["ENCODER", "h264_nvenc"]),
        ({"PORT": "{taken}"}, EXIT_PORT_TAKEN, ["VIGENT_ORCHESTRATOR_PORT", "Address already in use"]),
        ({"METRICS_PORT": "{taken}", "PORT": "0"}, EXIT_PORT_TAKEN, ["VIGENT_ORCHESTRATOR_METRICS_PORT"]),
        ({"HOST": "192.0.2.1"}, 2, ["192.0.2.1", "cannot be opened"]),
    ],
)
def test_what_it_cannot_start_with_is_named(
    tmp_path: Path, settings: dict[str, str], code: int, words: list[str]
) -> None:
    (tmp_path / "text").write_text("This is no database of jobs. " * 100, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as holder:
        values = {"folder": tmp_path, "taken": holder.getsockname()[1]}
        told = {f"VIGENT_ORCHESTRATOR_{name}": value.format(**values) for name, value in settings.items()}
        shared = {"VIGENT_MEDIA_ROOT": str(tmp_path / "media"), "VIGENT_CONFIG": str(tmp_path / "none.toml")}
        database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db"}
        ended = subprocess.run(
            [sys.executable, "-m", "orchestrator"],
            cwd=ROOT,
            env={**os.environ, **shared, **database, **told},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
    assert ended.returncode == code, ended.stderr
    for word in words:
        assert word in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "hunter2" not in ended.stderr


async def test_a_drain_does_not_wait_for_who_watches_a_job(tmp_path: Path) -> None:
    """Its watcher is told to come again; the job, whose servers are away, would go on for minutes."""
    told = {"DATABASE_URL": f"sqlite:///{tmp_path}/jobs.db", "DRAIN_GRACE_S": "600"}
    away = dict.fromkeys(("TTS", "LIPSYNC", "ASR", "OVERLAY"), "127.0.0.1:1")
    environment = {f"VIGENT_ORCHESTRATOR_{name}": value for name, value in {**told, **away}.items()}
    with run_server("orchestrator", tmp_path, environment) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub, health = jobs_pb2_grpc.JobServiceStub(channel), health_pb2_grpc.HealthStub(channel)
            spec = spec_of(Mesh(tmp_path, {}), "Hello.")
            job = (await stub.SubmitJob(jobs_pb2.SubmitJobRequest(spec=spec), timeout=TIMEOUT_S)).job
            call = stub.WatchJob(jobs_pb2.WatchJobRequest(id=job.id), timeout=TIMEOUT_S)
            await anext(aiter(call))
            watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            psutil.Process(server.process.pid).terminate()
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                [event async for event in call]
            assert error_of(ended.value).reason == "DRAINING"
        assert await asyncio.to_thread(server.process.wait, TIMEOUT_S) == 0
