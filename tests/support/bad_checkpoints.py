"""What every production engine's server does with bad checkpoints: says why, serves nothing, goes on once mended."""

from __future__ import annotations

import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from services.base.errors import FailedPreconditionError
from services.base.status import error_of
from tests.support.servers import NOT_SERVING, SERVING, Server, connected, start, stop


@dataclass(frozen=True)
class Fault:
    """A way to spoil a checkpoint folder, and what must be said of it."""

    damage: Callable[[Path], object]
    reason: str
    told: str


@dataclass(frozen=True)
class Subject:
    """A server: its section, its settings but for the checkpoint, a whole checkpoint, and a call that must succeed."""

    section: str
    full_name: str
    environment: Mapping[str, str]
    checkpoint: Path
    call: Callable[[grpc.aio.Channel], Awaitable[object]]


def missing(name: str) -> Callable[[Path], object]:
    """Takes a file away."""
    return lambda folder: (folder / name).unlink()


def truncated(name: str) -> Callable[[Path], object]:
    """Cuts the end of a file off."""
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-1000])


def changed(name: str) -> Callable[[Path], object]:
    """Turns the last bit of a file over."""

    def damage(folder: Path) -> None:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    return damage


async def check_faults(subject: Subject, faults: list[Fault], folder: Path) -> None:
    """Walks one running server through every fault, then mends the folder; the process stays the same all the while."""
    checkpoint = folder / "checkpoint"
    put(checkpoint, subject.checkpoint, faults[0].damage)
    prefix = f"VIGENT_{subject.section.upper()}_"
    environment = {
        **subject.environment,
        f"{prefix}CHECKPOINT": str(checkpoint),
        f"{prefix}PORT": "0",
        f"{prefix}METRICS_PORT": "0",
        f"{prefix}RECOVERY__RELOAD_PAUSE_S": "0.01",
    }
    async with connected(*await start(subject.section, folder, environment)) as server:
        for fault in faults:
            put(checkpoint, subject.checkpoint, fault.damage)
            await _check_refusal(server, subject, fault)
        put(checkpoint, subject.checkpoint)
        await server.until(SERVING, subject.full_name)
        assert await server.problem() == ""
        assert not [name for name in await server.metrics() if name.startswith("vigent_engine_problem")]
        await subject.call(server.channel)
        assert await stop(server) == 0
    log = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    said = [line for line in log.splitlines() if "cannot be loaded and is tried again" in line]
    assert [sum(fault.told in line for line in said) for fault in faults] == [1] * len(faults)


async def _check_refusal(server: Server, subject: Subject, fault: Fault) -> None:
    await server.until_problem(fault.told)
    assert (await server.metrics())[
        f'vigent_engine_problem{{reason="{fault.reason}",service="{subject.section}"}}'
    ] == 1
    statuses = [await server.check(name) for name in ("", subject.full_name, "liveness")]
    assert statuses == [NOT_SERVING, NOT_SERVING, SERVING]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await subject.call(server.channel)
    error = error_of(caught.value)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert isinstance(error, FailedPreconditionError)
    assert error.reason == fault.reason
    assert fault.told in error.problem
    assert error.remedy


def put(link: Path, whole: Path, damage: Callable[[Path], object] = lambda _: None) -> None:
    """Makes `link` lead to a new copy of `whole`, damaged; at once, so that no load finds nothing."""
    folder = shutil.copytree(whole, link.with_name(f"checkpoint-{time.monotonic_ns()}"))
    damage(folder)
    fresh = link.with_name("fresh")
    fresh.symlink_to(folder)
    fresh.replace(link)
