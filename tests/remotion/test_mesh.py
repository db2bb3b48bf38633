"""Remotion in a whole mesh: `vigent up` starts it, films are drawn by it, and where it cannot run `plain` does."""

import json
import signal

import httpx

from gateway.cli.make import EXIT_DONE
from tests.gateway.conftest import PATIENT
from tests.remotion.conftest import CHROMIUM, ENVIRONMENT, need_remotion
from tests.support.commands import TIMEOUT_S, command_of, outliving, running, vigent
from tests.support.films import face_picture, facts_of, made, output, spec_of
from tests.support.mesh import run_mesh

UP = r"Vigent is up: (http://[\d.:]+)"
NOWHERE = {**ENVIRONMENT, CHROMIUM: "/nowhere/chromium"}


async def test_a_film_is_drawn_by_it_and_its_report_says_so(tmp_path):
    need_remotion()
    with run_mesh(tmp_path, ENVIRONMENT) as mesh:
        spec = spec_of(mesh, "大家好，我是 Vigent。It speaks, too.", title="你好", caption_style="karaoke")
        job = await made(mesh, spec)
        assert facts_of(output(mesh, job, "film.mp4")).frames > 50
        report = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))
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
    (tmp_path / "script.txt").write_text("Plain draws this.\n", encoding="utf-8")
    (tmp_path / "face.png").write_bytes(face_picture())
    arguments = ["script.txt", "--footage", "face.png", "--width", "270", "--height", "480", "--out", "film.mp4"]
    done = vigent("make", *arguments, cwd=tmp_path, environment=NOWHERE)
    assert done.returncode == EXIT_DONE, done.stderr
    assert "Chromium (/nowhere/chromium)" in done.stderr
    assert "plain stands in for remotion" in done.stderr
    assert "make remotion" in done.stderr
    assert "overlay ready on" in (log := (tmp_path / ".vigent" / "make.log").read_text(encoding="utf-8"))
    assert "(engine plain)" in log
    assert facts_of(tmp_path / "film.mp4").frames > 10
    told = vigent("doctor", cwd=tmp_path, environment=NOWHERE).stdout
    assert "Chromium (/nowhere/chromium)" in told
    assert "plain stands in for remotion" in told
