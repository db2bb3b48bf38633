"""Replicas behind a name, as a headless Service has them: they come, drain, freeze and are slow, and no job fails."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.client import JobClient
from tests.support.films import ended, facts_of, output, spec_of, until
from tests.support.mesh import Mesh, Server, own_port, run_server
from tests.support.slow_films import slow_engines
from vigent.jobs.v1 import jobs_pb2

SCRIPT = " ".join(f"This is sentence number {number}." for number in range(1, 25))
ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
DELAYS_S = (0.02, 0.02, 0.06)
"""Of a frame, at each replica."""


@dataclass(frozen=True)
class Named:
    """A mesh whose lip-sync servers are looked up by one name, each on an address of its own."""

    mesh: Mesh
    replicas: list[Server]
    hosts: Path

    def name(self, count: int) -> None:
        """The name stands for the first `count` of them."""
        lines = ["127.0.0.1 localhost", *(f"{address} lipsync" for address in ADDRESSES[:count])]
        self.hosts.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

    def calls(self, number: int) -> int:
        """That the engine of a replica has begun."""
        log = self.hosts.parent / f"engine-{number}.log"
        return log.read_text(encoding="utf-8").split().count("call") if log.exists() else 0

    async def called(self, number: int, times: int) -> None:
        """Returns once the engine of a replica has begun so many calls."""
        while self.calls(number) < times:  # noqa: ASYNC110 - the log of another process
            await asyncio.sleep(0.05)


def with_hosts(hosts: Path) -> list[str]:
    """Runs a command that looks names up in this file, and all else as always."""
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]


@pytest.fixture
def named(tmp_path: Path) -> Iterator[Named]:
    hosts, port = tmp_path / "hosts", str(own_port())
    hosts.touch()
    if subprocess.run([*with_hosts(hosts), "true"], check=False, capture_output=True).returncode:
        pytest.skip("Nobody may mount anything here.")
    environment = {**slow_engines(tmp_path), "VIGENT_ORCHESTRATOR_PARALLEL_SEGMENTS": "4"}
    with ExitStack() as stack:
        servers = {
            service: stack.enter_context(run_server(f"services.{service}", tmp_path, environment))
            for service in ("tts", "asr", "overlay")
        }
        replicas = [replica(tmp_path, number, port, environment) for number in range(len(ADDRESSES))]
        for server in replicas:
            server.launch()
            stack.callback(server.stop)
        for server in replicas:
            server.wait_ready()
        targets = {service: server.address for service, server in servers.items()}
        targets["lipsync"] = f"dns:///lipsync:{port}"
        own = {f"VIGENT_ORCHESTRATOR_{service.upper()}": target for service, target in targets.items()}
        own["VIGENT_ORCHESTRATOR_DATABASE_URL"] = f"sqlite:///{tmp_path / 'jobs.db'}"
        orchestrator = run_server("orchestrator", tmp_path, {**environment, **own}, with_hosts(hosts))
        servers["orchestrator"] = stack.enter_context(orchestrator)
        yield Named(Mesh(tmp_path, servers), replicas, hosts)


def replica(folder: Path, number: int, port: str, environment: dict[str, str]) -> Server:
    """Not started. All have the same port."""
    options = {"delay_s": str(DELAYS_S[number]), "log_file": str(folder / f"engine-{number}.log")}
    own = {
        "VIGENT_LIPSYNC_HOST": ADDRESSES[number],
        "VIGENT_LIPSYNC_OPTIONS": json.dumps(options),
        "VIGENT_MEDIA_ROOT": str(folder / "media"),
        "VIGENT_CONFIG": str(folder / "none.toml"),
    }
    log = folder / f"lipsync-{number}.log"
    return Server("services.lipsync", {**environment, **own}, log, address=f"{ADDRESSES[number]}:{port}")


@pytest.mark.fault(
    "replicas of a service drained, frozen or slow",
    promised="They lose traffic, not calls; one that comes gets its share within seconds.",
)
async def test_replicas_behind_a_name_come_and_go_in_the_middle_of_a_film(named: Named) -> None:
    drained, frozen, slow = range(3)
    named.name(2)
    spec = spec_of(named.mesh, SCRIPT, seed=1)
    async with asyncio.timeout(250), JobClient(named.mesh.jobs) as client:
        job = (await client.submit(spec)).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 2)
        await asyncio.gather(*(named.called(number, 1) for number in (drained, frozen)))
        named.name(3)
        await named.called(slow, 1)
        named.replicas[frozen].process.send_signal(signal.SIGSTOP)
        named.replicas[drained].process.terminate()
        job = await ended(client, job.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    assert facts_of(output(named.mesh, job, "film.mp4")).frames == sum(segment.frames for segment in job.segments)
