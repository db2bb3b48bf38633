"""Node, Chromium or its page are killed or frozen: found, replaced, and nothing of them stays."""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from services.base.errors import UnavailableError
from services.base.status import error_of
from services.typography.styles import load_style
from tests.remotion.conftest import run_remotion, scratch_folders
from tests.remotion.rendering import OPTIONS, TIMEOUT_S, captions, cue, figure, read, rendered, until_picture
from tests.support.commands import command_of, outliving, until
from tests.support.mesh import Server
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

STYLE = load_style("subtitle", "karaoke")
CUES = [cue("逐 词 点 亮", "word by word", first=40 * n, frames=40, word_frames=5) for n in range(8)]
REQUEST = captions(STYLE, CUES, frames=320)
PATIENT = {"VIGENT_OVERLAY_STALL_BUDGET_S": "10", "VIGENT_OVERLAY_RESTART_LIMIT": "100"}
"""Finds a hang soon, yet is patient with a busy machine, and never gives up."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    """Where the victim's children have their temporary files."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def victim(tmp_path_factory, shared) -> Iterator[Server]:
    """A server whose children are harmed."""
    environment = {**PATIENT, "VIGENT_OVERLAY_SLOTS": "2", "TMPDIR": str(shared)}
    with run_remotion(tmp_path_factory.mktemp("victim"), environment) as server:
        yield server


def family_of(server: Server) -> list[psutil.Process]:
    """The worker and all that it has started."""
    worker = server.worker()
    return [worker, *worker.children(recursive=True)]


def parts(family: list[psutil.Process], part: str) -> list[psutil.Process]:
    """Node, the browser, or the processes in which it has its pages."""
    commands = {process: command_of(process) for process in family}
    return [process for process, command in commands.items() if command and part_of(command) == part]


def part_of(command: list[str]) -> str:
    program = Path(command[0]).name
    if "--type=renderer" in command:
        return "page"
    if "chrom" in program and "crashpad" not in program and not any(word.startswith("--type=") for word in command):
        return "browser"
    return program


def harm(family: list[psutil.Process], part: str, how: signal.Signals) -> None:
    """Sends a signal to all processes that are that part."""
    harmed = parts(family, part)
    assert harmed
    for process in harmed:
        with contextlib.suppress(psutil.NoSuchProcess):  # a spare page may end by itself
            process.send_signal(how)


def deaths(server: Server, reason: str) -> float:
    return figure(server, "vigent_worker_restarts_total", reason=reason)


async def whole_again(server: Server, family: list[psutil.Process], shared: Path) -> None:
    """Waits until the server is ready; of the family that was harmed nothing is left, not even files."""
    assert await asyncio.to_thread(outliving, family) == []
    assert await asyncio.to_thread(until, lambda: figure(server, "vigent_worker_state", state="idle") == 1)
    assert len(scratch_folders(shared)) == 1


@pytest.mark.parametrize(("how", "found_as"), [(signal.SIGKILL, "crash"), (signal.SIGSTOP, "stall")])
@pytest.mark.parametrize("part", ["node", "browser", "page"])
async def test_what_dies_or_freezes_fails_its_call_and_is_replaced(victim, shared, part, how, found_as):
    undisturbed = await rendered(victim.address, REQUEST)
    before, family = deaths(victim, found_as), family_of(victim)
    async with grpc.aio.insecure_channel(victim.address, options=OPTIONS) as channel:
        call = OverlayServiceStub(channel).Render(REQUEST, timeout=TIMEOUT_S)
        first = await until_picture(call)
        harm(family, part, how)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await read(call)
    error = error_of(failed.value)
    assert isinstance(error, UnavailableError)
    assert error.retry_after_s == 1
    assert first == undisturbed.pictures[0]
    await whole_again(victim, family, shared)
    assert deaths(victim, found_as) == before + 1
    assert (await rendered(victim.address, REQUEST)).pictures == undisturbed.pictures


async def test_calls_side_by_side_get_their_own_pictures_and_die_together(victim, shared):
    other = captions(load_style("subtitle", "spotlight"), CUES, frames=320)
    requests = (REQUEST, other)
    alone = [(await rendered(victim.address, request)).pictures for request in requests]
    assert alone[0] != alone[1]
    together = await asyncio.gather(*(rendered(victim.address, request) for request in requests))
    assert [answer.pictures for answer in together] == alone
    family = family_of(victim)
    async with grpc.aio.insecure_channel(victim.address, options=OPTIONS) as channel:
        calls = [OverlayServiceStub(channel).Render(request, timeout=TIMEOUT_S) for request in requests]
        assert [await until_picture(call) for call in calls] == [pictures[0] for pictures in alone]
        harm(family, "browser", signal.SIGKILL)
        outcomes = await asyncio.gather(*map(read, calls), return_exceptions=True)
    assert all(isinstance(error_of(outcome), UnavailableError) for outcome in outcomes)
    await whole_again(victim, family, shared)
    assert [(await rendered(victim.address, request)).pictures for request in requests] == alone


@pytest.mark.parametrize(
    ("part", "how"),
    [
        ("node", signal.SIGKILL),
        ("browser", signal.SIGKILL),
        ("page", signal.SIGKILL),
        ("browser", signal.SIGSTOP),
        ("page", signal.SIGSTOP),
    ],
)
async def test_what_dies_or_freezes_while_nobody_draws_is_replaced(victim, shared, part, how):
    before, family = deaths(victim, "crash"), family_of(victim)
    harm(family, part, how)
    assert await asyncio.to_thread(until, lambda: deaths(victim, "crash") == before + 1)
    await whole_again(victim, family, shared)
    assert (await rendered(victim.address, REQUEST)).done.pictures > 0


@pytest.mark.parametrize(
    ("killed", "frozen"), [("server", ""), ("worker", "node"), ("server", "browser"), ("worker", "page")]
)
def test_nothing_outlives_what_is_killed(tmp_path, temporary, killed, frozen):
    with run_remotion(tmp_path, {**PATIENT, "TMPDIR": str(temporary)}) as server:
        family = family_of(server)
        assert parts(family, "page")
        (scratch,) = scratch_folders(temporary)
        if frozen:
            harm(family, frozen, signal.SIGSTOP)
        os.kill(server.process.pid if killed == "server" else family[0].pid, signal.SIGKILL)
        assert outliving(family) == []
        assert not scratch.exists()
