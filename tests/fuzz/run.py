"""One run over a real mesh and its gateway, which must be as whole after it as before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from services.media.store import MediaStore
from tests.fuzz.calls import fuzz_calls
from tests.fuzz.findings import Findings
from tests.fuzz.http import fuzz_operations, fuzz_sockets
from tests.fuzz.mangling import Mangler
from tests.fuzz.readers import fuzz_archives, fuzz_media, fuzz_scripts, fuzz_styles
from tests.support.mesh import Mesh, Server, run_mesh, run_server
from tests.support.servers import is_worker

SHARES = {
    "calls": 0.80,
    "styles": 0.06,
    "scripts": 0.06,
    "archives": 0.02,
    "sockets": 0.02,
    "operations": 0.02,
    "media": 0.02,
}
"""Of the inputs, by what they cost: 3 ms of a processor a call, 2 a style, 10 a script, 4 a socket, 85 an operation."""
_GROWTH_BYTES, _GROWTH_HANDLES = 200 << 20, 40
_SAID_EVERY_S = 15.0
_ENGINES = {
    **{
        f"VIGENT_{name.upper()}_ENGINE": f"tests.knobs.{name}:Knobs{name.title()}" for name in ("tts", "lipsync", "asr")
    },
    "VIGENT_LIPSYNC_OPTIONS": json.dumps({"units": "1"}),
    **{f"VIGENT_{name}_STALL_BUDGET_S": "300" for name in ("TTS", "LIPSYNC", "ASR", "OVERLAY")},
}
"""Engines that cost nothing, but for the overlay, whose drawing is fuzzed itself; a crowded machine hangs nobody."""


@dataclass(frozen=True)
class Figures:
    """Of a server and its worker; those who look at media for the others come and go."""

    pids: tuple[int, ...]
    resident_bytes: int
    handles: int
    threads: int

    @classmethod
    def of(cls, server: Server) -> Figures:
        """Now."""
        own = psutil.Process(server.process.pid)
        engines = own.children() if server.name.startswith("services.") else []
        every = [own, *filter(is_worker, engines)]
        return cls(
            tuple(process.pid for process in every),
            sum(process.memory_info().rss for process in every),
            sum(process.num_fds() for process in every),
            sum(process.num_threads() for process in every),
        )


@contextmanager
def fuzzed_mesh(folder: Path) -> Iterator[tuple[Mesh, Server]]:
    """A mesh and a gateway over it."""
    with run_mesh(folder, _ENGINES) as mesh:
        targets = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()}
        patient = {f"VIGENT_GATEWAY_WAITS__{name}_TIMEOUT_S": "60" for name in ("PROBE", "CALL")}
        with run_server("gateway", mesh.data, {**targets, **patient}) as gateway:
            yield mesh, gateway


def fuzz(folder: Path, count: int, seed: int) -> Findings:
    """About `count` inputs that all follow from `seed`; says how far it is."""
    findings = Findings()
    with fuzzed_mesh(folder / "mesh") as (mesh, gateway):
        servers = {**mesh.servers, "gateway": gateway}
        _attack(folder, mesh, gateway, max(100, count // 20), seed + 1, findings)  # what is loaded at first use is
        before = {name: Figures.of(server) for name, server in servers.items()}
        _attack(folder, mesh, gateway, count, seed, findings)
        for name, server in servers.items():
            _compare(name, before[name], Figures.of(server), findings)
    return findings


def _attack(folder: Path, mesh: Mesh, gateway: Server, count: int, seed: int, findings: Findings) -> None:
    """All kinds at the same time, so that no processor waits; each has choices of its own, whatever the others do."""
    many = {kind: max(1, round(share * count)) for kind, share in SHARES.items()}
    mangler = {kind: Mangler(seed * len(SHARES) + number) for number, kind in enumerate(SHARES)}
    store = MediaStore(mesh.media_root)

    def texts() -> None:
        fuzz_styles(mangler["styles"], many["styles"], findings)
        fuzz_scripts(mangler["scripts"], many["scripts"], findings, store)
        fuzz_archives(mangler["archives"], many["archives"], findings, folder)

    def requests() -> None:
        fuzz_sockets(gateway, mangler["sockets"], many["sockets"], findings)
        fuzz_operations(gateway, mangler["operations"], many["operations"], findings)

    works = (
        lambda: asyncio.run(fuzz_calls(mesh, mangler["calls"], many["calls"], findings)),
        texts,
        requests,
        lambda: fuzz_media(mangler["media"], many["media"], findings, folder),
    )
    with ThreadPoolExecutor(len(works)) as threads:
        running = {threads.submit(work) for work in works}
        while running:
            done, running = wait(running, timeout=_SAID_EVERY_S, return_when=FIRST_COMPLETED)
            print(f"{findings.tried.total()} inputs, {len(findings.wrong)} amiss", flush=True)
            for work in done:
                work.result()


def _compare(name: str, before: Figures, after: Figures, findings: Findings) -> None:
    grown = after.resident_bytes - before.resident_bytes
    handles, more_threads = after.handles - before.handles, after.threads - before.threads
    told = (
        f"{name:22} {before.resident_bytes >> 20} MiB {grown / 2**20:+.1f}, "
        f"{before.handles} handles {handles:+}, {before.threads} threads {more_threads:+}"
    )
    findings.growth.append(told)
    if before.pids != after.pids:
        findings.add("processes", told, "a process died, or stayed")
    if grown > _GROWTH_BYTES or handles > _GROWTH_HANDLES:
        findings.add("growth", told, f"{grown >> 20} MiB")
