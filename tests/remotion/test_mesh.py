"""Remotion in a whole mesh: `vigent up` starts it, films are drawn by it, and where it cannot run `plain` does."""

import json
import signal

import httpx
import psutil
import pytest

from gateway.cli.make import EXIT_DONE
from gateway.mesh import remotion
from gateway.mesh.addresses import DEFAULT_DATA
from gateway.mesh.plan import MeshPlan
from services.base.settings import ServerSettings
from tests.gateway.conftest import PATIENT
from tests.remotion.conftest import ENVIRONMENT, need_remotion
from tests.support.commands import TIMEOUT_S, command_of, outliving, running, until, vigent
from tests.support.films import face_picture, facts_of, made, output, spec_of
from tests.support.mesh import run_mesh

UP = r"Vigent is up: (http://[\d.:]+)"
NOWHERE = {**ENVIRONMENT, "VIGENT_OVERLAY_CHROMIUM": "/nowhere/chromium"}


async def test_a_film_is_drawn_by_it_and_its_report_says_so(tmp_path):
    need_remotion()
    with run_mesh(tmp_path, ENVIRONMENT, overlay_command=remotion.command()) as mesh:
        spec = spec_of(mesh, "大家好，我是 Vigent。It speaks, too.", title="你好", caption_style="karaoke")
        job = await made(mesh, spec)
        assert facts_of(output(mesh, job, "film.mp4")).frames > 50
        report = json.loads(output(mesh, job, "report.json").read_text())
    assert report["engines"]["overlay"].split()[0] == "remotion"


def test_vigent_up_starts_it_and_leaves_nothing_behind(tmp_path):
    need_remotion()
    environment = {**ENVIRONMENT, **PATIENT}
    with running("up", "--data", "data", "--port-base", "0", cwd=tmp_path, environment=environment) as mesh:
        url = mesh.until(UP)[1]
        assert mesh.until(r"^\s*overlay +remotion ")
        state = httpx.get(f"{url}/probe/overlay", trust_env=False, timeout=TIMEOUT_S)
        assert state.status_code == 200
        assert [replica["engine"] for replica in state.json()["replicas"]] == ["remotion"]
        children = mesh.children()
        assert any("--type=renderer" in command_of(child) for child in children)
        mesh.process.send_signal(signal.SIGINT)
        assert mesh.process.wait(TIMEOUT_S) == 0
        assert outliving(children) == []


def test_without_chromium_plain_draws_and_it_is_said(tmp_path):
    (tmp_path / "script.txt").write_text("Plain draws this.\n")
    (tmp_path / "face.png").write_bytes(face_picture())
    arguments = ["script.txt", "--footage", "face.png", "--width", "270", "--height", "480", "--out", "film.mp4"]
    done = vigent("make", *arguments, cwd=tmp_path, environment=NOWHERE)
    assert done.returncode == EXIT_DONE, done.stderr
    assert "Chromium (/nowhere/chromium)" in done.stderr
    assert "plain draws instead" in done.stderr
    assert "make remotion" in done.stderr
    assert "overlay ready on" in (log := (tmp_path / ".vigent" / "make.log").read_text())
    assert "(engine plain)" in log
    assert facts_of(tmp_path / "film.mp4").frames > 10
    told = vigent("doctor", cwd=tmp_path, environment=NOWHERE).stdout
    assert "Chromium (/nowhere/chromium)" in told
    assert "plain draws instead" in told


@pytest.fixture
def _asked(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VIGENT_OVERLAY_ENGINE", "remotion")


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("echo v18.20.4", "Node 20 or newer (there is 18)"),
        ("exit 1", "Node 20 or newer"),
        ("echo hello", "Node 20 or newer"),
    ],
)
def test_a_node_that_is_too_old_is_named(monkeypatch, tmp_path, node, said):
    (tmp_path / "node").write_text(f"#!/bin/sh\n{node}\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    lacks = remotion.missing(ServerSettings.load("overlay"))
    assert said in lacks
    assert "Chromium" in lacks
    plan = MeshPlan.here(0)
    assert plan.command("overlay") == ["-m", "services.overlay"]
    assert plan.environment("overlay", DEFAULT_DATA)["VIGENT_OVERLAY_ENGINE"] == "plain"
    assert said in plan.warning


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize(
    ("script", "timeout_s", "said"),
    [
        ("echo a library is missing >&2; exit 127", 20, "ended with code 127: a library is missing"),
        ("exit 0", 20, "ended with code 0"),
        ("sleep 61.5", 1, "did not start within 1 s"),
    ],
)
def test_a_chromium_that_does_not_start_is_named_and_plain_draws(monkeypatch, tmp_path, script, timeout_s, said):
    chromium = tmp_path / "chromium"
    chromium.write_text(f"#!/bin/sh\n{script}\n")
    chromium.chmod(0o755)
    monkeypatch.setenv("VIGENT_OVERLAY_CHROMIUM", str(chromium))
    monkeypatch.setattr(remotion, "_START_TIMEOUT_S", timeout_s)
    plan = MeshPlan.here(0)
    assert f"a Chromium that starts ({chromium} {said})" in plan.warning
    assert plan.environment("overlay", DEFAULT_DATA)["VIGENT_OVERLAY_ENGINE"] == "plain"
    assert until(lambda: all(each.info["cmdline"] != ["sleep", "61.5"] for each in psutil.process_iter(["cmdline"])))


@pytest.mark.usefixtures("_asked")
def test_the_browser_may_be_named_in_vigent_toml_and_plain_does_not_mind(tmp_path):
    (tmp_path / "vigent.toml").write_text('[overlay]\nchromium = "/nowhere/chromium"\n')
    assert "Chromium (/nowhere/chromium)" in MeshPlan.here(0).warning


def test_remotion_is_not_looked_for_unless_it_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIGENT_OVERLAY_ENGINE", raising=False)
    monkeypatch.setenv("PATH", "")
    plan = MeshPlan.here(0)
    assert plan.remotion_lacks is None
    assert plan.warning == ""
    assert plan.command("overlay") == ["-m", "services.overlay"]
