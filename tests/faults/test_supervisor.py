"""One bad moment of this machine never costs a process of the mesh, and no drain is cut short. Real processes."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.mesh.addresses import drain_s
from gateway.mesh.health import GrpcProbe
from gateway.mesh.plan import MeshPlan
from gateway.mesh.policy import Failures, WatchdogPolicy
from gateway.mesh.settings import MeshSettings
from gateway.mesh.supervised import Supervised
from gateway.mesh.supervisor import Supervisor
from gateway.mesh.watchdog import Sign, Verdict, Watchdog, knock
from services.base.errors import InvalidInputError
from tests.support.commands import TIMEOUT_S, Running, command_of, running
from tests.support.servers import events, until_event
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

QUICK = WatchdogPolicy(interval_s=0.1, timeout_s=20.0, misses=2, start_up_s=100, first_pause_s=0.05, restarts=1000)
"""Nothing of what is kept by it hangs: a busy machine has its time to answer."""


class Heard:
    """What a supervisor says; a line can be waited for."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._grown = asyncio.Condition()

    def say(self, _name: str, line: str) -> None:
        self.lines.append(line)
        self._telling = asyncio.ensure_future(self._tell())

    async def _tell(self) -> None:
        async with self._grown:
            self._grown.notify_all()

    async def until(self, words: str) -> None:
        async with asyncio.timeout(TIMEOUT_S), self._grown:
            await self._grown.wait_for(lambda: any(words in line for line in self.lines))


@asynccontextmanager
async def voice(
    folder: Path,
    heard: Heard,
    options: dict[str, object] | None = None,
    policy: WatchdogPolicy = QUICK,
    **settings: object,
) -> AsyncIterator[Supervised]:
    """A voice server with a test engine under a supervisor."""
    told = {"engine": "tests.knobs.tts:KnobsTts", "options": json.dumps(options or {}), "drain_delay_s": 0, **settings}
    environment = {f"VIGENT_TTS_{name.upper()}": str(value) for name, value in told.items()}
    async with Supervisor(MeshPlan.here(0), folder, heard.say, ("tts",), policy, environment) as mesh:
        yield mesh.processes["tts"]


@pytest.mark.parametrize("name", ["tts", "orchestrator", "gateway"])
async def test_a_taken_port_is_tried_until_it_is_free(tmp_path: Path, name: str) -> None:
    heard = Heard()
    plan = MeshPlan.here(0)
    async with Supervisor(plan, tmp_path, heard.say, (name,), QUICK) as mesh:
        with socket.create_server(("127.0.0.1", plan.addresses.ports[name])):
            await heard.until("cannot be opened: Address already in use")
            await heard.until("exited with code 75; restarting in")
        await mesh.wait_ready()
    assert mesh.processes[name].restarts >= 1


def test_no_room_for_a_process_is_waited_for(tmp_path: Path) -> None:
    """A supervisor without a free file handle: it cannot start what died, and takes nobody else for dead."""
    with running("up", "--data", str(tmp_path / "data"), "--port-base", "0", cwd=tmp_path) as mesh:
        mesh.until(r"Vigent is up")
        before = {command_of(child)[-1]: child for child in _servers(mesh)}
        supervisor = psutil.Process(mesh.process.pid)
        _, most = supervisor.rlimit(resource.RLIMIT_NOFILE)
        supervisor.rlimit(resource.RLIMIT_NOFILE, (3, most))
        after = len(mesh.lines)
        before["services.tts"].kill()
        mesh.until(r"tts .* supervisor: cannot be started: Too many open files; restarting in", after)
        mesh.until(r"tts .* supervisor: crash loop: cannot be started", after)
        supervisor.rlimit(resource.RLIMIT_NOFILE, (most, most))
        mesh.until(r"tts .* tts ready on", after)
        others = {name: child for name, child in before.items() if name != "services.tts"}
        assert {command_of(child)[-1]: child for child in _servers(mesh)}.items() >= others.items()


def _servers(mesh: Running) -> list[psutil.Process]:
    return psutil.Process(mesh.process.pid).children()


async def test_what_cannot_be_asked_for_want_of_a_file_handle_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        assert await knock(address, 5.0) is Sign.SILENT
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            assert await knock(address, 5.0) is Sign.UNKNOWN
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_drain_that_somebody_else_began_is_not_cut_short(tmp_path: Path) -> None:
    """Its liveness is asked all the while, and it is started again when it has ended."""
    hold_file, heard = tmp_path / "hold", Heard()
    options = {"action": "hold", "hold_file": str(hold_file)}
    async with voice(tmp_path, heard, options, stall_budget_s=60) as tts:
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)
        assert tts.process is not None
        pid = tts.process.pid
        async with grpc.aio.insecure_channel(tts.address) as channel:
            call = tts_pb2_grpc.TtsServiceStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text="a"))
            await until_event(call, "accepted")
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
            psutil.Process(pid).send_signal(signal.SIGTERM)
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
            probe = GrpcProbe("tts", tts.address)
            assert [await probe.alive(TIMEOUT_S) for _ in range(20)] == [True] * 20
            await probe.close()
            hold_file.touch()
            assert (await events(call))[-1] == "done"
        await heard.until("exited with code 0; restarting")
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)
        assert tts.process.pid != pid


async def test_a_process_that_takes_no_connections_any_more_is_left_to_end(tmp_path: Path) -> None:
    """An open stream of reflection holds a server that stops, which answers no health check then."""
    heard = Heard()
    policy = WatchdogPolicy(interval_s=0.05, timeout_s=0.5, misses=2, stop_grace_s=0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert await knock(address, 1.0) is Sign.CLOSED
    told = {"VIGENT_TTS_DRAIN_DELAY_S": "0.25", "VIGENT_TTS_DRAIN_GRACE_S": "0.75"}
    tts = Supervised("tts", address, "tests.support.sleeper", told, heard.say, policy)
    tts.ready.set()  # as it has been
    keeping = asyncio.create_task(tts.keep_running())
    await heard.until("stopped accepting connections and did not end within 1 s")
    keeping.cancel()
    await asyncio.wait([keeping])
    await tts.stop()


@pytest.mark.fault("drain of a busy server")
async def test_the_supervisor_gives_a_drain_its_grace(tmp_path: Path) -> None:
    """Longer than its own grace: the call goes on until the server itself ends it."""
    heard = Heard()
    options = {"units": 1, "action": "hold", "hold_file": str(tmp_path / "never")}
    policy = WatchdogPolicy(stop_grace_s=5)
    environment = {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps(options),
        "VIGENT_TTS_DRAIN_GRACE_S": "7",
        "VIGENT_TTS_STALL_BUDGET_S": "60",
    }
    supervisor = Supervisor(MeshPlan.here(0), tmp_path, heard.say, ("tts",), policy, environment)
    async with supervisor as mesh:
        await mesh.wait_ready()
        tts = mesh.processes["tts"]
        assert tts.process is not None
        async with grpc.aio.insecure_channel(tts.address) as channel:
            call = tts_pb2_grpc.TtsServiceStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text="a"))
            await until_event(call, "accepted")
            await mesh.stop()
    assert await tts.process.exited() == 0


def test_how_long_a_drain_may_take_is_read_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drain_s("lipsync-2", {}) == 30.5
    monkeypatch.setenv("VIGENT_LIPSYNC_DRAIN_GRACE_S", "100")
    assert drain_s("lipsync-2", {"VIGENT_LIPSYNC_DRAIN_DELAY_S": "0"}) == 100


class PausedProbe(GrpcProbe):
    """Asks, and this process stands still before it can hear anything, as when a machine is suspended; five times."""

    pauses = 5

    async def alive(self, timeout_s: float) -> bool:
        if not self.pauses:
            return await super().alive(timeout_s)
        self.pauses -= 1
        asking = asyncio.create_task(super().alive(timeout_s))
        await asyncio.sleep(0)
        time.sleep(timeout_s + 1.5)  # noqa: ASYNC251 - it is this that is tried
        return await asking


async def test_a_question_that_was_not_asked_in_time_says_nothing() -> None:
    """Nobody answers at the port: only what is asked without a pause counts."""
    policy = WatchdogPolicy(interval_s=0.1, timeout_s=0.1, misses=1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        probe = PausedProbe("tts", address)
        watching = Watchdog(probe, address, policy, 1.0, lambda: True).until_dead()
        assert await asyncio.wait_for(watching, TIMEOUT_S) == Verdict("liveness failed 1 times in a row")
        assert probe.pauses == 0
        await probe.close()


def test_what_has_failed_for_a_night_is_still_tried() -> None:
    assert WatchdogPolicy().pause_s(2000) == WatchdogPolicy().longest_pause_s


def test_the_pauses_of_a_crash_loop_grow_to_minutes() -> None:
    failures = Failures(WatchdogPolicy())
    told = []
    for _ in range(50):
        failures.started()
        failures.failed()
        told.append((failures.pause_s, failures.looping))
    assert told[:6] == [(0.5, False), (1, False), (2, False), (4, False), (8, False), (16, True)]
    assert told[-1] == (300, True)


async def test_a_process_that_holds_too_much_memory_finishes_its_call_and_is_replaced(tmp_path: Path) -> None:
    hold_file, heard = tmp_path / "hold", Heard()
    options = {"leak_bytes": 300 * 2**20, "action": "hold", "at_unit": 2, "hold_file": str(hold_file)}
    policy = replace(QUICK, memory_bytes=700 * 2**20)
    async with voice(tmp_path, heard, options, policy, stall_budget_s=600, drain_grace_s=600) as tts:
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)
        assert tts.process is not None
        pid = tts.process.pid
        async with grpc.aio.insecure_channel(tts.address) as channel:
            call = tts_pb2_grpc.TtsServiceStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text="abc"))
            await heard.until("MiB of memory, more than 700; it finishes its calls.")
            hold_file.touch()
            assert (await events(call))[-1] == "done"
        await heard.until("MiB of memory, more than 700; restarting in")
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)
        assert tts.process.pid != pid
    assert not psutil.pid_exists(pid)


async def test_one_that_is_not_watched_is_restarted_only_when_it_ends(tmp_path: Path) -> None:
    heard = Heard()
    policy = replace(QUICK, watched=False, memory_bytes=1)
    async with voice(tmp_path, heard, None, policy) as tts:
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)
        assert tts.process is not None
        process = psutil.Process(tts.process.pid)
        probe = GrpcProbe("tts", tts.address)
        assert await probe.memory_bytes(TIMEOUT_S) > 10**7
        process.suspend()
        assert not await probe.alive(2.0)
        await probe.close()
        process.resume()
        assert tts.restarts == 0
        process.kill()
        await heard.until("exited with code -9; restarting")
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)


async def test_a_restart_by_hand_of_what_has_just_died_starts_it_once(tmp_path: Path) -> None:
    """Only its keeper starts it; whoever asks for a restart waits for the same new process."""
    heard = Heard()
    async with voice(tmp_path, heard) as tts:
        await asyncio.wait_for(tts.ready.wait(), TIMEOUT_S)
        for _ in range(3):
            assert tts.process is not None
            died = tts.process
            psutil.Process(died.pid).kill()
            await asyncio.gather(tts.restart(), tts.restart())
            assert tts.process is not None
            assert tts.process is not died
        await asyncio.sleep(0)
        servers = [child for child in psutil.Process().children() if "services.tts" in " ".join(child.cmdline())]
        assert len(servers) == 1


def test_how_a_process_is_watched_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    default = MeshSettings.load().policy("tts")
    assert default == WatchdogPolicy()
    monkeypatch.setenv("VIGENT_WATCH_INTERVAL_S", "1")
    monkeypatch.setenv("VIGENT_WATCH_TIMEOUT_S", "2")
    monkeypatch.setenv("VIGENT_WATCH_MISSES", "4")
    monkeypatch.setenv("VIGENT_WATCH_RESTARTS", "7")
    monkeypatch.setenv("VIGENT_UNWATCHED", "asr, overlay")
    monkeypatch.setenv("VIGENT_WATCH_MEMORY_BYTES", '{"tts": 8000}')
    settings = MeshSettings.load()
    told = WatchdogPolicy(interval_s=1, timeout_s=2, misses=4, restarts=7)
    assert settings.policy("lipsync") == told
    assert settings.policy("asr") == replace(told, watched=False)
    assert settings.policy("tts") == replace(told, memory_bytes=8000)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("UNWATCHED", "tss", "'tss' is no service; name some of"),
        ("WATCH_MEMORY_BYTES", '{"tss": 1}', "'tss' is no service"),
        ("WATCH_MEMORY_BYTES", "8 GB", "Write it as JSON"),
        ("WATCH_MISSES", "0", "VIGENT_WATCH_MISSES"),
    ],
)
def test_a_wrong_setting_of_the_watch_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"VIGENT_{name}", value)
    with pytest.raises(InvalidInputError, match=words):
        MeshSettings.load()
