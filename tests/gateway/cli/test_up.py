"""`vigent up`: real processes, killed and stopped in earnest."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from gateway.cli import checks
from gateway.mesh.addresses import DEFAULT_DATA, PROCESSES, Addresses, free_ports
from gateway.mesh.lock import hold, running_mesh
from gateway.mesh.plan import MeshPlan
from gateway.mesh.policy import WatchdogPolicy
from gateway.mesh.ports import check_ports
from gateway.mesh.process import MeshProcess
from gateway.mesh.supervised import State
from gateway.mesh.supervisor import Supervisor
from gateway.settings import SERVICES
from services.base.errors import FailedPreconditionError, InvalidInputError
from tests.gateway.conftest import PATIENT
from tests.support.commands import TIMEOUT_S, Running, command_of, running, until, vigent

QUICK = WatchdogPolicy(interval_s=0.2, timeout_s=5.0, misses=2, start_up_s=100, first_pause_s=0.1, stop_grace_s=5)
UP = r"Vigent is up: (http://[\d.:]+)"


def server(mesh: Running, module: str) -> psutil.Process:
    return next(child for child in mesh.children() if command_of(child)[-1:] == [module])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up")


def desktop(folder: Path) -> dict[str, str]:
    """A desktop whose browser notes what it is to open."""
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{folder / "opened"}\n', encoding="utf-8")
    browser.chmod(0o755)
    return {"DISPLAY": ":99", "BROWSER": f"{browser} %s"}


@pytest.fixture(scope="module")
def mesh(folder: Path) -> Iterator[Running]:
    """A running `vigent up`; in the end Ctrl-C must end all of it."""
    arguments = ["--data", str(folder / "data"), "--port-base", "0", "--open"]
    with running("up", *arguments, cwd=folder, environment=PATIENT | desktop(folder)) as started:
        started.until(UP)
        yield started
        children = started.children()
        started.process.send_signal(signal.SIGINT)
        assert started.process.wait(TIMEOUT_S) == 0
        assert psutil.wait_procs(children, timeout=TIMEOUT_S)[1] == []
    assert running_mesh(folder / "data") is None
    assert "Traceback" not in "\n".join(started.lines)


def test_it_starts_everything_and_says_where(mesh, folder):
    url = mesh.until(UP)[1]
    services = httpx.get(f"{url}/api/v1/services", trust_env=False, timeout=TIMEOUT_S).json()["services"]
    assert {service["name"]: service["ok"] for service in services} == dict.fromkeys(SERVICES, True)
    assert httpx.get(f"{url}/readyz", trust_env=False, timeout=TIMEOUT_S).status_code == 200
    assert set(running_mesh(folder / "data").addresses) == set(PROCESSES)
    assert "orchestrator ready on" in (folder / "data" / "up.log").read_text(encoding="utf-8")


def test_it_opens_the_studio_where_there_is_a_desktop(mesh, folder):
    url = mesh.until(UP)[1]
    opened = folder / "opened"
    assert until(lambda: opened.is_file() and opened.read_text(encoding="utf-8").strip() == url)
    assert "<title>Vigent</title>" in httpx.get(url, trust_env=False, timeout=TIMEOUT_S).text


@pytest.mark.fault(
    "gateway killed",
    promised="Started again at the same address; jobs are untouched, and events go on after the last one seen.",
)
def test_what_is_killed_is_started_again_at_the_same_address(mesh):
    url = mesh.until(UP)[1]
    for module in ("services.tts", "gateway"):
        after = len(mesh.lines)
        old = server(mesh, module)
        old.kill()
        mesh.until(r"supervisor: exited with code -9; restarting", after)
        mesh.until(rf"{module.removeprefix('services.')} ready on", after)
        assert server(mesh, module).pid != old.pid
    assert httpx.get(f"{url}/probe/tts", trust_env=False, timeout=TIMEOUT_S).status_code == 200


def test_a_service_is_restarted_when_asked_to(mesh, folder):
    old, after = server(mesh, "services.tts"), len(mesh.lines)
    told = vigent("restart", "tts", "--data", str(folder / "data"), cwd=folder)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines() == ["tts finishes its calls ...", "tts is ready again."]
    mesh.until("supervisor: has ended as asked; starting it again", after)
    assert server(mesh, "services.tts").pid != old.pid


def test_no_other_service_is_restarted(mesh, folder):
    told = vigent("restart", "nothing", "--data", str(folder / "data"), cwd=folder)
    assert told.returncode == 2
    assert "orchestrator" in told.stderr


def test_nothing_is_restarted_where_nothing_runs(tmp_path):
    told = vigent("restart", cwd=tmp_path)
    assert told.returncode == 1
    assert "No `vigent up` runs" in told.stderr
    assert "Traceback" not in told.stderr


def test_no_orphan_outlives_a_killed_supervisor(tmp_path):
    with running("up", "--data", str(tmp_path / "data"), "--port-base", "0", cwd=tmp_path) as mesh:
        mesh.until(UP)
        children = mesh.children()
        assert len(children) > len(PROCESSES)  # servers and their workers
        mesh.process.kill()
        assert psutil.wait_procs(children, timeout=TIMEOUT_S)[1] == []


@pytest.mark.fault("second server for the same port or data", promised="Refused, naming the first.")
def test_a_second_mesh_on_the_same_folder_is_refused(tmp_path):
    with hold(tmp_path / "data", {"tts": "127.0.0.1:1"}):
        second = vigent("up", "--data", str(tmp_path / "data"), "--port-base", "0", cwd=tmp_path)
    assert second.returncode == 1
    assert str(os.getpid()) in second.stderr
    assert "--data" in second.stderr


@pytest.mark.parametrize("setting", ["VIGENT_GATEWAY_PORT", "VIGENT_LIPSYNC_METRICS_PORT"])
def test_ports_that_another_program_has_are_told_before_anything_starts(tmp_path, setting):
    ports = dict(zip(_settings_of_ports(), map(str, free_ports(11)), strict=True))
    with socket.create_server(("127.0.0.1", int(ports[setting]))):
        refused = vigent("up", cwd=tmp_path, environment=ports)
    assert refused.returncode == 2
    assert f"{ports[setting]} (" in refused.stderr
    assert f"(process {os.getpid()})" in refused.stderr
    assert setting in refused.stderr
    assert refused.stdout == ""
    assert running_mesh(tmp_path / ".vigent") is None


def test_a_port_given_twice_is_told_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIGENT_GPUS", "")
    ports = dict(zip(_settings_of_ports(), map(str, free_ports(11)), strict=True))
    for name, port in {**ports, "VIGENT_LIPSYNC_METRICS_PORT": ports["VIGENT_TTS_PORT"]}.items():
        monkeypatch.setenv(name, port)
    with pytest.raises(InvalidInputError, match="Set VIGENT_LIPSYNC_METRICS_PORT") as caught:
        check_ports(MeshPlan.here().addresses)
    told = f"{ports['VIGENT_TTS_PORT']} is set for tts and lipsync metrics"
    assert caught.value.problem == f"Port {told}."
    assert [finding.detail for finding in checks.ports(tmp_path)] == [told]


async def test_a_gateway_on_port_0_is_found_where_it_listens(tmp_path, monkeypatch):
    monkeypatch.setenv("VIGENT_GPUS", "")
    monkeypatch.setenv("VIGENT_GATEWAY_PORT", "0")
    plan = MeshPlan.here()
    async with Supervisor(plan, tmp_path, lambda *_: None, ("gateway",), QUICK) as mesh:
        await asyncio.wait_for(mesh.wait_ready(), TIMEOUT_S)
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as client:
            assert (await client.get(f"http://{plan.addresses.address('gateway')}/livez")).is_success


def _settings_of_ports() -> list[str]:
    return [f"VIGENT_{name.upper()}_PORT" for name in PROCESSES] + [
        f"VIGENT_{name.upper()}_METRICS_PORT" for name in SERVICES
    ]


async def test_a_process_that_does_not_answer_is_replaced(tmp_path):
    """SIGSTOP: the process is there, but its liveness is not."""
    said, found_dead = [], asyncio.Event()

    def say(_name: str, line: str) -> None:
        said.append(line)
        if "restarting" in line:
            found_dead.set()

    async with Supervisor(MeshPlan.here(0), tmp_path, say, ("tts",), QUICK) as mesh:
        await mesh.wait_ready()
        supervised = mesh.processes["tts"]
        old = supervised.process
        os.kill(old.pid, signal.SIGSTOP)
        await asyncio.wait_for(found_dead.wait(), TIMEOUT_S)
        await mesh.wait_ready()
        assert supervised.process.pid != old.pid
        assert supervised.restarts >= 1
    assert any("liveness failed 2 times in a row" in line for line in said)


@pytest.mark.parametrize("left", ["sleep 600", "setsid sleep 600"])
async def test_the_end_of_a_process_is_seen_whatever_it_leaves_behind(left):
    """A child that holds its output open, in its group or out of it."""
    said: list[str] = []
    process = await MeshProcess.start(
        "leaver", "tests.support.leaver", {"LEFT": left}, lambda _name, line: said.append(line)
    )
    assert await asyncio.wait_for(process.exited(), TIMEOUT_S) == 3
    (line,) = said
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(line.removeprefix("child "))).kill()


async def test_a_crash_loop_is_told_and_ends_when_its_cause_has_passed(tmp_path):
    policy = WatchdogPolicy(first_pause_s=0.01, longest_pause_s=0.02, restarts=2)
    said: list[str] = []
    media = tmp_path / "media"
    media.write_text("This is no folder.", encoding="utf-8")
    mesh = Supervisor(MeshPlan.here(0), tmp_path, lambda _name, line: said.append(line), ("tts",), policy)
    async with mesh:
        with pytest.raises(FailedPreconditionError, match="tts keeps failing") as lost:
            await mesh.wait_ready()
        assert lost.value.reason == "CRASH_LOOP"
        assert mesh.processes["tts"].restarts >= 3
        assert mesh.processes["tts"].state is State.CRASH_LOOP
        media.unlink()
        await asyncio.wait_for(mesh.processes["tts"].ready.wait(), TIMEOUT_S)
        await mesh.wait_ready()
        assert mesh.processes["tts"].state is State.READY
    assert any("supervisor: crash loop: exited with code 1; restarting in" in line for line in said)


async def test_wrong_settings_are_not_tried_again(tmp_path):
    said: list[str] = []
    wrong = {"VIGENT_TTS_ENGINE": "wishful"}
    tell = lambda _name, line: said.append(line)  # noqa: E731
    async with Supervisor(MeshPlan.here(0), tmp_path, tell, ("tts",), settings=wrong) as mesh:
        with pytest.raises(FailedPreconditionError):
            await mesh.wait_ready()
        assert mesh.processes["tts"].restarts == 0
        assert mesh.processes["tts"].state is State.GIVEN_UP
    assert any("not restarting it" in line for line in said)


def test_a_mesh_that_does_not_come_up_ends_with_the_reason(tmp_path):
    failed = vigent("up", "--data", "data", "--port-base", "0", cwd=tmp_path, environment={"VIGENT_TTS_ENGINE": "no"})
    assert failed.returncode == 1
    assert "There is no engine 'no'" in failed.stdout
    assert "tts keeps failing" in failed.stdout


def test_addresses_agree_with_each_other(tmp_path):
    addresses = Addresses.from_base(20_000)
    told = addresses.environment(tmp_path)
    assert told["VIGENT_TTS_PORT"] == told["VIGENT_ORCHESTRATOR_TTS"].rpartition(":")[2]
    assert told["VIGENT_GATEWAY_TTS"] == told["VIGENT_ORCHESTRATOR_TTS"]
    assert told["VIGENT_MEDIA_ROOT"] == str(tmp_path / "media")
    assert len({*addresses.ports.values(), *addresses.metrics_ports.values()}) == len(PROCESSES) * 2 - 1


def test_defaults_leave_the_word_to_the_settings(monkeypatch):
    monkeypatch.setenv("VIGENT_LIPSYNC_PORT", "6000")
    told = Addresses.configured().environment(DEFAULT_DATA)
    assert told == {
        "VIGENT_LIPSYNC_PORT": "6000",
        "VIGENT_GATEWAY_LIPSYNC": "127.0.0.1:6000",
        "VIGENT_ORCHESTRATOR_LIPSYNC": "127.0.0.1:6000",
    }


def test_ports_beyond_the_last_are_refused():
    with pytest.raises(InvalidInputError):
        Addresses.from_base(65_530)


def test_a_lock_left_by_the_dead_is_no_lock(tmp_path):
    (tmp_path / "mesh.lock").write_text(json.dumps({"pid": 1, "addresses": {}}), encoding="utf-8")
    assert running_mesh(tmp_path) is None
    with hold(tmp_path, {"tts": "127.0.0.1:5"}):
        assert running_mesh(tmp_path).addresses == {"tts": "127.0.0.1:5"}
