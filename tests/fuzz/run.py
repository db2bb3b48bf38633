"""One run over a real mesh and its gateway, which must be as whole after it as before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
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
    "calls": 0.82,
    "styles": 0.06,
    "scripts": 0.06,
    "archives": 0.02,
    "sockets": 0.01,
    "operations": 0.025,
    "media": 0.005,
}
"""Of the inputs: calls are cheap, media cost a process each."""
_GROWTH_BYTES, _GROWTH_HANDLES = 200 << 20, 40
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
    mangler = Mangler(seed)
    many = {kind: max(1, round(share * count)) for kind, share in SHARES.items()}
    asyncio.run(fuzz_calls(mesh, mangler, many["calls"], findings))
    _say(findings)
    fuzz_styles(mangler, many["styles"], findings)
    fuzz_scripts(mangler, many["scripts"], findings, MediaStore(mesh.media_root))
    fuzz_archives(mangler, many["archives"], findings, folder)
    _say(findings)
    fuzz_sockets(gateway, mangler, many["sockets"], findings)
    fuzz_operations(gateway, mangler, many["operations"], findings)
    _say(findings)
    fuzz_media(mangler, many["media"], findings, folder)
    _say(findings)


def _compare(name: str, before: Figures, after: Figures, findings: Findings) -> None:
    told = f"{name}: {before} before, {after} after"
    print(told)
    if before.pids != after.pids:
        findings.add("processes", told, "a process died, or stayed")
    grown = after.resident_bytes - before.resident_bytes
    if grown > _GROWTH_BYTES or after.handles - before.handles > _GROWTH_HANDLES:
        findings.add("growth", told, f"{grown >> 20} MiB")


def _say(findings: Findings) -> None:
    print(f"{findings.tried.total()} inputs, {len(findings.wrong)} amiss", flush=True)
