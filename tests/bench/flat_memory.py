"""Whether memory stays as it is however long a film is, however many are made, however slowly they are read.

`python -m tests.bench.flat_memory MODE [SIZE]`, with the built-in engines, 270x480, and an encoder that is in a hurry:

- `length [MINUTES]`: a film of so many minutes over one of one minute, each on a mesh of its own;
- `films [FILMS]`: films of a minute one after the other, over the second;
- `readers [READERS]`: a film of two minutes while so many clients of each kind read its events, its preview and a
  finished film slowly, over one that nobody reads.

Told are the most that was resident of the orchestrator (and the gateway), and the most that the whole mesh held
together of pages that are no file's (its short-lived children too): of files, such as libraries, each process has a
share that grows when other programs of the machine end.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from orchestrator.client import JobClient
from services.media.store import MediaStore, media_ref
from tests.bench.pipeline import script_of
from tests.bench.processes import OWN_PAGES, Peak, forget_peak, peak_mib
from tests.support.films import ended, spec_of
from tests.support.mesh import ROOT, Mesh, Server, run_mesh, run_server
from vigent.jobs.v1 import jobs_pb2

ENGINES = {"TTS": "espeak", "LIPSYNC": "warp", "ASR": "dtw", "OVERLAY": "plain"}
BUILT_IN = {f"VIGENT_{service}_ENGINE": engine for service, engine in ENGINES.items()}
"""Environment: engines that need no download, whatever this machine has."""
_HURRY = {"VIGENT_ORCHESTRATOR_ENCODER_PRESET": "ultrafast"}
_SPEED, _SENTENCE_S = 0.75, 3.3
"""A slow voice: half an hour has to fit into a script's 20,000 characters."""
_READ_BYTES, _READ_PAUSE_S, _SOCKET_BYTES = 1024, 0.5, 4096
"""Of a slow reader: 2 KB/s."""
_WATCH_PAUSE_S = 5.0


@dataclass(frozen=True)
class Peaks:
    """The most that was held while a film was made, MiB, by name."""

    film_s: float
    wall_s: float
    mib: dict[str, float]

    def over(self, other: Peaks) -> str:
        """Each in place of the other's, and their ratio."""
        pairs = [f"{name} {other.mib[name]:.0f} -> {held:.0f} MiB" for name, held in self.mib.items()]
        ratios = [f"{held / other.mib[name]:.3f}" for name, held in self.mib.items()]
        return ", ".join(f"{pair} ({ratio})" for pair, ratio in zip(pairs, ratios, strict=True))


def spec_lasting(mesh: Mesh, minutes: float, seed: int = 0, **size: int) -> jobs_pb2.JobSpec:
    """About so many minutes of the bundled presenter, with music; 270x480 unless `size` says something else."""
    presenter = (ROOT / "assets" / "demo" / "presenter.mp4").read_bytes()
    music = MediaStore(mesh.media_root).put_file(ROOT / "assets" / "music" / "morning-light.m4a")
    script = script_of(round(minutes * 60 / _SENTENCE_S))
    return spec_of(mesh, script, presenter, speed=_SPEED, seed=seed, music=media_ref(music), music_gain_db=-18, **size)


async def _alone(_job_id: str) -> None:
    """Nobody reads anything."""


async def film_of(
    mesh: Mesh, spec: jobs_pb2.JobSpec, beside: Callable[[str], Coroutine[None, None, None]] = _alone
) -> jobs_pb2.Job:
    """The finished film; `beside` is given the job's id and goes on until it has ended."""
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec)).job
        reading = asyncio.create_task(beside(job.id))
        job = await ended(client, job.id)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    return job


def film_s(job: jobs_pb2.Job) -> float:
    """Its length."""
    return sum(segment.frames for segment in job.segments) / 25


def _watched(
    mesh: Mesh,
    spec: jobs_pb2.JobSpec,
    *others: Server,
    beside: Callable[[str], Coroutine[None, None, None]] = _alone,
) -> Peaks:
    """Makes the film and tells what was held meanwhile by each process that is to be told of, and by all."""
    told = {server.name: psutil.Process(server.process.pid) for server in (mesh.servers["orchestrator"], *others)}
    for process in told.values():
        forget_peak(process)
    begun_s = time.perf_counter()
    pids = [server.process.pid for server in (*mesh.servers.values(), *others)]
    with Peak(*pids, pages=OWN_PAGES) as whole:
        job = asyncio.run(film_of(mesh, spec, beside))
    mib = {name: peak_mib(process) for name, process in told.items()}
    return Peaks(film_s(job), time.perf_counter() - begun_s, {**mib, "all": whole.mib})


@contextmanager
def _mesh() -> Iterator[Mesh]:
    with tempfile.TemporaryDirectory() as folder, run_mesh(Path(folder), BUILT_IN | _HURRY) as mesh:
        yield mesh


def _length(minutes: int) -> None:
    made = []
    for each in (1, minutes):
        with _mesh() as mesh:
            asyncio.run(film_of(mesh, spec_lasting(mesh, 0.05, 1)))  # conforms the footage, which holds the most
            made.append(_watched(mesh, spec_lasting(mesh, each)))
        print(f"{made[-1].film_s / 60:.1f} min of film in {made[-1].wall_s:.0f} s", flush=True)
    print(made[1].over(made[0]))


def _films(count: int) -> None:
    with _mesh() as mesh:
        made = []
        for number in range(1, count + 1):
            made.append(_watched(mesh, spec_lasting(mesh, 1, number)))
            print(f"film {number}, over the second: {made[-1].over(made[:2][-1])}", flush=True)


def _readers(readers: int) -> None:
    with _mesh() as mesh, run_server("gateway", mesh.data, {"VIGENT_GATEWAY_ORCHESTRATOR": mesh.jobs}) as gateway:
        finished = asyncio.run(film_of(mesh, spec_lasting(mesh, 2, 1)))
        without = _watched(mesh, spec_lasting(mesh, 2, 2), gateway)

        async def read(job_id: str) -> None:
            paths = (f"{job_id}/events", f"{job_id}/preview", f"{finished.id}/film.mp4")
            async with asyncio.TaskGroup() as group:
                for _ in range(readers):
                    group.create_task(_watch_slowly(mesh, job_id))
                    for path in paths:
                        group.create_task(_fetch_slowly(gateway, f"/api/v1/jobs/{path}"))

        reading = _watched(mesh, spec_lasting(mesh, 2, 3), gateway, beside=read)
        print(f"{readers} slow readers of each kind, over none: {reading.over(without)}")


async def _watch_slowly(mesh: Mesh, job_id: str) -> None:
    async with JobClient(mesh.jobs) as client:
        async for _ in client.watch(job_id):
            await asyncio.sleep(_WATCH_PAUSE_S)


async def _fetch_slowly(gateway: Server, path: str) -> None:
    """Begins again whenever it has come to the end, or is turned away."""
    host, _, port = gateway.address.rpartition(":")
    request, loop = f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode(), asyncio.get_running_loop()
    while True:
        with socket.socket() as end, suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BYTES)
            end.setblocking(False)
            await loop.sock_connect(end, (host, int(port)))
            await loop.sock_sendall(end, request)
            while await loop.sock_recv(end, _READ_BYTES):  # noqa: ASYNC110 - slowly
                await asyncio.sleep(_READ_PAUSE_S)
        await asyncio.sleep(_READ_PAUSE_S)


MODES = {"length": (_length, 8), "films": (_films, 10), "readers": (_readers, 8)}


def main(mode: str, sizes: Sequence[str]) -> None:
    """Prints how a mode went."""
    measure, usual = MODES[mode]
    measure(int(sizes[0]) if sizes else usual)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
