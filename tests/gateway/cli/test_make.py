"""`vigent make`: from files to a film, with a mesh that runs and with one of its own."""

import asyncio
import hashlib
import io
import json
import re
import signal

import numpy as np
import psutil
import pytest
from PIL import Image

from gateway.mesh.lock import running_mesh
from orchestrator.client import JobClient
from services.typography.fonts import ASSETS
from tests.support.cases import CASES
from tests.support.commands import TIMEOUT_S, running, vigent
from tests.support.films import face_picture, facts_of, spec_of
from tests.support.gateway_media import write_sound
from tests.support.sounds import read_sound, write_music

SCRIPT = "# 标题\n\n大家好，我是主持人。It **speaks** English, too.\n"
SMALL = ["--width", "270", "--height", "480"]


@pytest.fixture
def folder(tmp_path):
    """A folder with what a film is made of."""
    (tmp_path / "my script.txt").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "face.png").write_bytes(face_picture())
    (tmp_path / "title.txt").write_text("你好\n", encoding="utf-8")
    write_sound(tmp_path / "music.wav", duration_s=3)
    return tmp_path


@pytest.fixture
def beside(mesh):
    """The environment of somebody on whose machine this mesh runs."""
    return {"VIGENT_GATEWAY_ORCHESTRATOR": mesh.jobs, "VIGENT_MEDIA_ROOT": str(mesh.media_root)}


def test_a_running_mesh_is_used(folder, beside, mesh):
    tone = np.sin(2 * np.pi * 997 * np.arange(6 * 48_000) / 48_000)
    write_music(folder / "intro.flac", np.concatenate([np.zeros(6 * 48_000), tone])[None], 48_000)
    arguments = ["my script.txt", "--footage", "face.png", "--music", "intro.flac", "--title-file", "title.txt"]
    arguments += ["--music-start-s", "6", "--music-gain-db", "0"]
    look = (ASSETS / "styles" / "subtitle" / "box.json").read_text(encoding="utf-8").replace('"version"', ' "version"')
    (folder / "look.json").write_text(look, encoding="utf-8")
    told = ["--style", "look.json", "--face-consent-of", "Anna", "--face-consent", "Yes, you may."]
    done = vigent("make", *arguments, *told, *SMALL, "--out", "new/film.mp4", cwd=folder, environment=beside)
    assert done.returncode == 0, done.stderr
    assert "No mesh is running" not in done.stderr
    assert "new/film.mp4" in done.stdout
    film = facts_of(folder / "new" / "film.mp4")
    assert (film.width, film.height, film.rate_hz, film.audio_channels) == (270, 480, 25, 2)
    assert film.frames > 50
    assert tone_share(read_sound(folder / "new" / "film.mp4")[0, 48_000:96_000]) > 0.1  # not six seconds of silence
    captions = (folder / "new" / "film.srt").read_text(encoding="utf-8")
    assert "大家好" in captions
    assert (folder / "new" / "film.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    assert sorted(path.name for path in (folder / "new").iterdir()) == [
        "film.ass",
        "film.jpg",
        "film.mp4",
        "film.report.json",
        "film.srt",
        "film.vtt",
    ]
    listed = vigent("jobs", cwd=folder, environment=beside)
    assert "done" in listed.stdout
    job_id = next(word for word in listed.stdout.split() if word.startswith("job-"))
    spec = asyncio.run(spec_of_job(mesh, job_id))
    assert spec.caption_style == hashlib.sha256(look.encode()).hexdigest()
    assert (spec.face_consent.person, spec.face_consent.statement) == ("Anna", "Yes, you may.")
    shown = vigent("jobs", "show", job_id[:12], cwd=folder, environment=beside)
    assert job_id in shown.stdout
    assert "film.mp4" in shown.stdout
    assert vigent("jobs", "retry", job_id, cwd=folder, environment=beside).returncode == 1


def tone_share(second):
    """How much of one second of sound is the tone of 997 Hz."""
    power = np.abs(np.fft.rfft(second)) ** 2
    return power[995:1000].sum() / power.sum()


def test_jobs_are_named_by_their_first_characters(folder, beside, mesh):
    async def submit_two():
        async with JobClient(mesh.jobs) as client:
            for _ in range(2):
                await client.cancel((await client.submit(spec_of(mesh, "Never spoken."))).job.id)

    asyncio.run(submit_two())
    several = vigent("jobs", "show", "job-", cwd=folder, environment=beside)
    assert several.returncode == 2
    assert "begins with 'job-'" in several.stderr


@pytest.mark.parametrize("arguments", [[], ["list"], ["show", "job-"]])
def test_jobs_of_a_folder_without_a_mesh_are_not_those_of_another(folder, beside, arguments):
    """`--data` may stand before the verb as well."""
    asked = vigent("jobs", "--data", "elsewhere", *arguments, cwd=folder, environment=beside)
    assert asked.returncode == 1
    assert "No orchestrator" in asked.stderr


async def spec_of_job(mesh, job_id):
    async with JobClient(mesh.jobs) as client:
        return (await client.get(job_id)).spec


def test_what_the_film_passed_over_is_in_the_last_lines(folder, beside):
    footage = str(CASES / "onebad.mp4")
    done = vigent(
        "make", "my script.txt", "--footage", footage, *SMALL, "--out", "bad.mp4", cwd=folder, environment=beside
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.partition("bad.mp4")[2].splitlines()[1:]
    assert "  note: Footage: Broken packets of the picture that were skipped: 1 of 120." in last
    whole = vigent("make", "my script.txt", *SMALL, "--out", "good.mp4", cwd=folder, environment=beside)
    assert whole.returncode == 0, whole.stderr
    assert "note:" not in whole.stdout


def test_words_are_said_as_told_and_shown_as_written(folder, beside):
    (folder / "said.txt").write_text('我在[行|háng]里用SQL。<break time="300ms"/>好。\n', encoding="utf-8")
    (folder / "say.txt").write_text("# names\nSQL=sequel\nKubernetes=x\n", encoding="utf-8")
    given = ["said.txt", "--footage", "face.png", "--say-file", "say.txt"]
    done = vigent("make", *given, *SMALL, cwd=folder, environment=beside)
    assert done.returncode == 0, done.stderr
    captions = (folder / "said.srt").read_text(encoding="utf-8")
    assert "我在行里用SQL" in "".join(line for line in captions.splitlines() if not line.isdigit())
    assert not re.search("sequel|háng|break", captions)
    report = json.loads((folder / "said.report.json").read_text(encoding="utf-8"))
    told = {(each["word"], each["reading"]): each["times"] for each in report["pronunciations"]}
    assert told == {("行", "hang2"): 1, ("SQL", "sequel"): 1, ("Kubernetes", "x"): 0}
    assert "'Kubernetes' is nowhere in the script" in done.stdout


def test_a_job_that_fails_exits_with_1_and_says_what_to_do(folder, beside):
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "PNG")
    (folder / "face.png").write_bytes(file.getvalue())
    done = vigent("make", "my script.txt", "--footage", "face.png", *SMALL, cwd=folder, environment=beside)
    assert done.returncode == 1
    assert "--footage" in done.stderr
    assert "face" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "my script.mp4").exists()


def test_a_rerun_replaces_its_own_files_but_no_edited_one(folder, beside):
    arguments = ["make", "my script.txt", "--footage", "face.png", *SMALL, "--out", "film.mp4"]
    for _ in range(2):
        done = vigent(*arguments, cwd=folder, environment=beside)
        assert done.returncode == 0, done.stderr
    captions = (folder / "film.srt").read_bytes()
    (folder / "film.srt").write_text("edited", encoding="utf-8")
    (folder / "my script.txt").write_text("Another film.", encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    refused = vigent(*arguments, cwd=folder, environment=beside)
    assert refused.returncode == 2
    assert "'film.srt' already exists, and Vigent did not make it or it has changed since." in refused.stderr
    assert "--overwrite" in refused.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "my script.txt").write_text(SCRIPT, encoding="utf-8")
    assert vigent(*arguments, "--overwrite", cwd=folder, environment=beside).returncode == 0
    assert (folder / "film.srt").read_bytes() == captions


def test_what_appears_while_the_film_is_made_is_not_replaced(folder, beside):
    (folder / "my script.txt").write_text("Somebody is quicker.", encoding="utf-8")
    arguments = ["make", "my script.txt", "--footage", "face.png", *SMALL]
    with running(*arguments, cwd=folder, environment=beside) as make:
        make.until("preparing footage")
        (folder / "my script.srt").write_text("mine", encoding="utf-8")
        assert make.process.wait(TIMEOUT_S) == 1, make.lines
    assert any("The film is finished, but 'my script.srt' already exists" in line for line in make.lines), make.lines
    assert (folder / "my script.srt").read_text(encoding="utf-8") == "mine"
    assert not (folder / "my script.mp4").exists()
    done = vigent(*arguments, "--out", "another.mp4", cwd=folder, environment=beside)
    assert done.returncode == 0, done.stderr


def test_a_mesh_of_another_folder_is_recognised(folder, beside):
    environment = {**beside, "VIGENT_MEDIA_ROOT": str(folder / "elsewhere")}
    face = Image.open(folder / "face.png").rotate(1)
    face.save(folder / "other.png")
    done = vigent("make", "my script.txt", "--footage", "other.png", *SMALL, cwd=folder, environment=environment)
    assert done.returncode == 1
    assert "does not keep its media" in done.stderr


def test_without_a_mesh_one_is_started_and_ended(folder):
    with running("make", "my script.txt", "--footage", "face.png", *SMALL, "--data", "data", cwd=folder) as make:
        make.until("No mesh is running")
        make.until("preparing footage")
        children = make.children()
        assert make.process.wait(TIMEOUT_S) == 0, make.lines
    assert psutil.wait_procs(children, timeout=TIMEOUT_S)[1] == []
    assert facts_of(folder / "my script.mp4").frames > 50
    assert running_mesh(folder / "data") is None


def test_two_at_once_over_one_folder_share_a_mesh_until_both_are_done(folder):
    (folder / "second.txt").write_text(
        "The second film is longer. It ends after the first one. It does.", encoding="utf-8"
    )
    small = ["--footage", "face.png", *SMALL, "--data", "data"]
    with (
        running("make", "my script.txt", *small, cwd=folder) as one,
        running("make", "second.txt", *small, cwd=folder) as other,
    ):
        assert (one.process.wait(TIMEOUT_S), other.process.wait(TIMEOUT_S)) == (0, 0), (one.lines, other.lines)
        started = [line for line in (*one.lines, *other.lines) if "No mesh is running" in line]
    assert len(started) == 1
    assert facts_of(folder / "my script.mp4").frames > 50
    assert facts_of(folder / "second.mp4").frames > 50
    assert running_mesh(folder / "data") is None


def test_without_footage_the_presenter_of_vigent_speaks(folder, beside):
    (folder / "short.txt").write_text("Hello.", encoding="utf-8")
    done = vigent("make", "short.txt", *SMALL, cwd=folder, environment=beside)
    assert done.returncode == 0, done.stderr
    assert "No --footage given: using the presenter that comes with Vigent." in done.stderr
    assert facts_of(folder / "short.mp4").frames > 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_cancels_the_job_and_leaves_nothing_running(folder, number):
    with running("make", "my script.txt", "--footage", "face.png", *SMALL, "--data", "data", cwd=folder) as make:
        make.until("preparing footage")
        children = make.children()
        make.process.send_signal(number)
        assert make.process.wait(TIMEOUT_S) == 1
    assert psutil.wait_procs(children, timeout=TIMEOUT_S)[1] == []
    assert any("Cancelled job" in line for line in make.lines)
    assert not any("Traceback" in line for line in make.lines)
    assert not (folder / "my script.mp4").exists()
