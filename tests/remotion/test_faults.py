"""Chromium or its page are killed or frozen in the middle of a render: the render ends right all the same."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import grpc
import psutil
import pytest

from services.typography.styles import load_style
from tests.remotion.conftest import run_node
from tests.remotion.rendering import OPTIONS, TIMEOUT_S, captions, cue, read, rendered, until_picture
from tests.remotion.test_server import figure
from tests.support.commands import command_of, outliving, until
from tests.support.mesh import Server
from vigent.overlay.v1.overlay_pb2_grpc import OverlayServiceStub

STYLE = load_style("subtitle", "karaoke")
CUES = [cue("逐 词 点 亮", "word by word", first=40 * n, frames=40, word_frames=5) for n in range(8)]
REQUEST = captions(STYLE, CUES, frames=320)


@pytest.fixture(scope="module")
def victim(tmp_path_factory) -> Iterator[Server]:
    """A server whose browser is harmed; it finds a hang soon, yet is patient with a busy machine."""
    environment = {"VIGENT_OVERLAY_STALL_BUDGET_S": "10", "VIGENT_OVERLAY_SLOTS": "2"}
    with run_node(tmp_path_factory.mktemp("victim"), environment) as server:
        yield server


def browser(server: Server) -> psutil.Process:
    """The Chromium of a server: the one among its descendants that is no part of another one."""
    family = psutil.Process(server.process.pid).children(recursive=True)
    return next(process for process in family if _is_browser(command_of(process)))


def _is_browser(command: list[str]) -> bool:
    return "chrom" in command[0] and not any(word.startswith("--type=") for word in command) if command else False


def harm(server: Server, part: str, how: signal.Signals) -> None:
    """Sends a signal to the browser of a server, or to the processes in which it has its pages."""
    whole = browser(server)
    pages = [process for process in whole.children(recursive=True) if "--type=renderer" in command_of(process)]
    for process in [whole] if part == "browser" else pages:
        with contextlib.suppress(psutil.NoSuchProcess):  # a spare page may end by itself
            process.send_signal(how)


@pytest.mark.parametrize(("how", "found_as"), [(signal.SIGKILL, "crash"), (signal.SIGSTOP, "stall")])
@pytest.mark.parametrize("part", ["browser", "page"])
async def test_what_dies_or_freezes_costs_one_retry_and_no_picture(victim, part, how, found_as):
    undisturbed = await rendered(victim.address, REQUEST)
    assert undisturbed.done.retries == 0
    before = figure(victim, "vigent_worker_restarts_total", reason=found_as)
    async with grpc.aio.insecure_channel(victim.address, options=OPTIONS) as channel:
        call = OverlayServiceStub(channel).Render(REQUEST, timeout=TIMEOUT_S)
        first = await until_picture(call)
        lost = browser(victim)
        harm(victim, part, how)
        rest = await read(call)
    pictures = [first, *rest.pictures]
    assert pictures == undisturbed.pictures
    assert rest.done.retries == 1
    assert rest.done.pictures == len(pictures)
    assert figure(victim, "vigent_worker_restarts_total", reason=found_as) == before + 1
    assert browser(victim).pid != lost.pid
    assert not lost.is_running()


async def test_calls_side_by_side_get_their_own_pictures_even_from_a_browser_that_dies(victim):
    other = captions(load_style("subtitle", "spotlight"), CUES, frames=320)
    requests = (REQUEST, other)
    alone = [(await rendered(victim.address, request)).pictures for request in requests]
    assert alone[0] != alone[1]
    before = figure(victim, "vigent_worker_restarts_total")
    async with grpc.aio.insecure_channel(victim.address, options=OPTIONS) as channel:
        calls = [OverlayServiceStub(channel).Render(request, timeout=TIMEOUT_S) for request in requests]
        first = [await until_picture(call) for call in calls]
        harm(victim, "browser", signal.SIGKILL)
        rest = await asyncio.gather(*map(read, calls))
    assert [[one, *more.pictures] for one, more in zip(first, rest, strict=True)] == alone
    assert all(more.done.retries <= 1 for more in rest)
    assert await asyncio.to_thread(until, lambda: figure(victim, "vigent_worker_restarts_total") == before + 1)


@pytest.mark.parametrize("part", ["browser", "page"])
async def test_what_dies_while_nobody_draws_is_replaced(victim, part):
    before = figure(victim, "vigent_worker_restarts_total")
    harm(victim, part, signal.SIGKILL)
    assert await asyncio.to_thread(until, lambda: figure(victim, "vigent_worker_restarts_total") == before + 1)
    assert await asyncio.to_thread(until, lambda: figure(victim, "vigent_worker_state", state="idle") == 1)
    assert (await rendered(victim.address, REQUEST)).done.retries == 0


def test_no_browser_outlives_a_killed_server(tmp_path):
    with run_node(tmp_path) as server:
        family = psutil.Process(server.process.pid).children(recursive=True)
        assert any("--type=renderer" in command_of(process) for process in family)
        server.kill()
        assert outliving(family) == []
