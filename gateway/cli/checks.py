"""The checks of `vigent doctor`; each yields findings."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import re
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import psutil

from gateway.cli.waiting import telling, while_it_lives
from gateway.mesh import gpus
from gateway.mesh.engines import engines_of
from gateway.mesh.lock import running_mesh
from gateway.mesh.plan import MeshPlan
from gateway.mesh.policy import ONE_TRY
from gateway.mesh.ports import setting_of, shared_ports, taken_ports, user_of, wanted_ports
from gateway.mesh.settings import MeshSettings
from gateway.mesh.supervised import Supervised
from gateway.mesh.supervisor import Supervisor
from gateway.settings import MODEL_SERVICES
from orchestrator.client import calling
from services.base.direct import direct_channel
from services.base.errors import FailedPreconditionError, VigentError
from services.media.confinement.task import Limits
from services.media.sandbox import run_limited, walls_here
from services.media.storage.opening import open_store
from services.typography.fonts import find_font, font_entries
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

_GIB = 2**30
_ROLES = (*MODEL_SERVICES, "orchestrator", "gateway")
_READY_TIMEOUT_S = 60.0
_VOICE_TIMEOUT_S = 60.0


class Verdict(Enum):
    """How good a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    verdict: Verdict
    subject: str
    detail: str
    remedy: str = ""


def machine() -> Iterator[Finding]:
    """Python, cores, memory."""
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    yield Finding(Verdict.OK if good else Verdict.FAIL, "python", version, "" if good else "Use Python 3.11 or newer.")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield _graded(cores >= 2, "cores", f"{cores}", "Use two or more; with one, films take twice as long.")
    memory = psutil.virtual_memory()
    detail = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB free"
    yield _graded(memory.available >= 2 * _GIB, "memory", detail, "Close other programs; the mesh needs about 2 GiB.")


def folder(data: Path) -> Iterator[Finding]:
    """The data folder can be written and has room."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(data).free
        writable = os.access(data, os.W_OK)
    except OSError as error:
        yield Finding(Verdict.FAIL, "data folder", f"{data}: {error.strerror}", "Choose another with --data.")
        return
    if not writable:
        yield Finding(Verdict.FAIL, "data folder", f"{data.absolute()} is not writable", "Choose another with --data.")
        return
    detail = f"{data.absolute()}, {free / _GIB:.1f} GiB free"
    yield _graded(
        free >= 2 * _GIB, "data folder", detail, "Free some space: making a minute of film takes about 100 MB."
    )


def stored_files(media_root: Path) -> Iterator[Finding]:
    """Every file of the media store is what was written."""
    files = dict(open_store(media_root).scrub())
    damaged = sorted(name for name, whole in files.items() if not whole)
    detail = f"{len(files) - len(damaged)} of {len(files)} stored files are what was written"
    shown = ", ".join(name[:12] for name in damaged[:5])
    remedy = f"Damaged and set aside: {shown}. Pieces are made again by themselves; upload again what you uploaded."
    yield _graded(not damaged, "stored files", detail, remedy, Verdict.FAIL)


def packages() -> Iterator[Finding]:
    """The packages that each role needs are installed."""
    for role in _ROLES:
        missing = [name for name in _requirements(role) if not _installed(name)]
        if missing:
            remedy = f"pip install 'vigent[{role}]'"
            yield Finding(Verdict.FAIL, "packages", f"{role}: {', '.join(missing)} missing", remedy)
        else:
            yield Finding(Verdict.OK, "packages", f"{role}: all installed")


def fonts() -> Iterator[Finding]:
    """Every bundled font is whole."""
    entries = font_entries()
    for entry in entries:
        find_font(entry["id"], entry["weight"])
    yield Finding(Verdict.OK, "fonts", f"{len(entries)} fonts, content verified")


def encoders() -> Iterator[Finding]:
    """The encoders for the film work."""
    for name, needed in (("libx264", True), ("aac", True), ("h264_nvenc", False)):
        try:
            run_limited(
                "gateway.cli.encoders:try_encoder",
                name,
                returns=type(None),
                walled=False,
                limits=Limits(wall_s=60),
                field=name,
            )
        except VigentError as error:
            if needed:
                yield Finding(Verdict.FAIL, "encoder", error.problem, "pip install --force-reinstall av")
            else:
                yield Finding(Verdict.OK, "encoder", f"{name} is not available; libx264 is used instead")
        else:
            yield Finding(Verdict.OK, "encoder", f"{name} works")


def uploads() -> Iterator[Finding]:
    """What keeps in the processes that read uploads."""
    walls = walls_here()
    remedy = "Take uploads from people you trust only, or use a Linux with seccomp and Landlock (5.13 or newer)."
    yield _graded(walls.whole, "uploads", str(walls), remedy)


def voice(data: Path) -> Iterator[Finding]:
    """The voice server starts and speaks."""
    samples, engine = asyncio.run(_speak(data))
    detail = f"{engine} spoke {samples:,} samples"
    yield _graded(samples > 0, "voice", detail, "See what `python -m services.tts` prints.", Verdict.FAIL)


def ports(data: Path) -> Iterator[Finding]:
    """The ports are free, or used by our own mesh."""
    addresses = MeshPlan.here().addresses
    mesh = running_mesh(data)
    wanted, taken, shared = wanted_ports(addresses), taken_ports(addresses), shared_ports(addresses)
    for port, names in shared.items():
        detail, remedy = f"{port} is set for {' and '.join(names)}", f"Set {setting_of(names[-1])} to another port."
        yield Finding(Verdict.FAIL, "ports", detail, remedy)
    if shared:
        return
    if not taken:
        yield Finding(Verdict.OK, "ports", f"all {len(wanted)} are free on {addresses.host}")
    elif mesh is not None:
        yield Finding(Verdict.OK, "ports", f"used by the running mesh (process {mesh.pid})")
    else:
        for name, port in taken.items():
            remedy = f"Stop it, set {setting_of(name)}, or use `vigent up --port-base 0`."
            yield Finding(Verdict.WARN, "ports", f"{port} ({name}) is used by {user_of(port)}", remedy)


def overlay(data: Path) -> Iterator[Finding]:
    """The overlay server starts; which engine draws captions and titles."""
    server = asyncio.run(_ready("overlay", data))
    yield _graded(not server.missing, "overlay", server.missing or f"{server.engine} draws", "")


def devices() -> Iterator[Finding]:
    """The GPUs, and which process of the mesh uses which."""
    known = gpus.query("name", "memory.total")
    yield Finding(Verdict.OK, "gpu", ", ".join(known) or "no NVIDIA GPU; only the production engines need one")
    available = gpus.available_gpus(MeshSettings.load())
    plan, chosen = MeshPlan.here(), engines_of(MODEL_SERVICES, gpu=bool(available))
    for service, engine in chosen.items():
        verdict = Verdict.WARN if engine.problem else Verdict.OK
        yield Finding(verdict, "engine", f"{service}: {engine.engine} ({engine.problem or engine.words})")
    users = gpus.gpu_users(chosen)
    for name in plan.names:
        if name in plan.gpus:
            yield Finding(Verdict.OK, "device", f"{name} runs on {plan.device(name)}")
        elif name in users:
            detail = f"{name} runs {chosen[name].engine} on the CPU: far slower than real time"
            remedy = f"List GPUs in VIGENT_GPUS, or set VIGENT_{name.upper()}_DEVICE."
            yield Finding(Verdict.WARN, "device", detail, remedy)
    replicas = plan.addresses.replicas("lipsync")
    if len(replicas) > 1:
        yield Finding(Verdict.OK, "replicas", f"{len(replicas)} lip-sync servers: {plan.addresses.targets('lipsync')}")


async def _speak(data: Path) -> tuple[int, str]:
    """How many samples a voice server of our own speaks for one word, and the name of its engine."""
    async with _started("tts", data) as server:
        return await _spoken(server.address)


async def _ready(name: str, data: Path) -> Supervised:
    """What a server of our own reported when it was ready."""
    async with _started(name, data) as server:
        return server


@asynccontextmanager
async def _started(name: str, data: Path) -> AsyncIterator[Supervised]:
    """A server of our own, ready for as long as this context lives."""
    plan, said = MeshPlan.here(port_base=0), deque[str](maxlen=1)
    async with Supervisor(plan, data, lambda _name, line: said.append(line), (name,), ONE_TRY) as mesh:
        try:
            async with telling(mesh.unready):
                async with asyncio.timeout(_READY_TIMEOUT_S):
                    await mesh.wait_ready()
        except TimeoutError as error:
            problem = f"The {name} server is not ready after {_READY_TIMEOUT_S:g} s. Its last line: {' '.join(said)}"
            raise FailedPreconditionError(problem, field=name) from error
        yield mesh.processes[name]


async def _spoken(address: str) -> tuple[int, str]:
    samples, engine = 0, ""
    async with direct_channel(address) as channel, while_it_lives("tts", address):
        request = tts_pb2.SynthesizeRequest(text="你好, hello.")
        with calling("tts server", address):
            async for response in TtsServiceStub(channel).Synthesize(request, timeout=_VOICE_TIMEOUT_S):
                engine = engine or response.accepted.accepted.engine
                samples = max(samples, response.done.samples)
    return samples, engine


def _requirements(role: str) -> list[str]:
    marked = [
        line for line in importlib.metadata.requires("vigent") or [] if re.search(rf"extra == ['\"]{role}['\"]", line)
    ]
    return [match[0] for line in marked if (match := re.match(r"[A-Za-z0-9_.-]+", line))]


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _graded(good: bool, subject: str, detail: str, remedy: str, otherwise: Verdict = Verdict.WARN) -> Finding:
    return Finding(Verdict.OK, subject, detail) if good else Finding(otherwise, subject, detail, remedy)
