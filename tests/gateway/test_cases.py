"""Every file of tests/cases, through HTTP and through the command line: taken for what it is, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.cases import CASES
from tests.support.commands import vigent
from tests.support.film_jobs import SIZE, events, submitted
from tests.support.films import facts_of
from tests.support.mesh import Mesh

LENGTHS_S = {
    "long_audio.mp4": 4.0,
    "sub.mkv": 4.0,
    "onebad.mp4": 4.0,
    "lecturer.mp4": 2.0,
    "vbr_noxing.mp3": 30.04,
    "mixrate.mp3": 40.08,
    "junktail.mp3": 20.01,
}
TOLD = {
    "long_audio.mp4": "its picture 4.0 s",
    "sub.mkv": "its picture 4.0 s",
    "onebad.mp4": "skipped: 1 of 120",
    "junktail.mp3": "skipped: 9 of",
}
TOLD_OF_FILMS = TOLD | {"lecturer.mp4": "The face is only"}  # in a film as small as these
FILMS = [
    ("long_audio.mp4", "vbr_noxing.mp3"),
    ("sub.mkv", "mixrate.mp3"),
    ("onebad.mp4", "junktail.mp3"),
    ("lecturer.mp4", "junktail.mp3"),
]
REFUSED = "grid.heic"
SCRIPT = "Hello there."


def test_no_file_is_forgotten() -> None:
    assert {path.name for path in CASES.iterdir() if path.is_file()} == {*LENGTHS_S, REFUSED, "README.md"}
    assert {name for film in FILMS for name in film} == set(LENGTHS_S)


def uploaded(client: httpx.Client, name: str) -> httpx.Response:
    kind = "music" if name.endswith(".mp3") else "footage"
    return client.post(f"/api/v1/{kind}", files={"file": (name, (CASES / name).read_bytes())})


def check_report(report: dict[str, Any], footage: str) -> None:
    """All frames show the presenter, and what was passed over is told."""
    assert (report["frames"] > 10, report["frames_without_face"]) == (True, 0)
    told = TOLD_OF_FILMS.get(footage, "")
    assert told in " ".join(report["footage_problems"])
    assert bool(told) == bool(report["footage_problems"])


@pytest.mark.parametrize("name", LENGTHS_S)
def test_an_upload_is_measured(http: httpx.Client, name: str) -> None:
    entry = uploaded(http, name).json()
    assert entry["duration_s"] == pytest.approx(LENGTHS_S[name], abs=0.08)
    assert TOLD.get(name, "") in " ".join(entry["notes"])
    assert (name in TOLD) == bool(entry["notes"])


@pytest.mark.parametrize(("footage", "music"), FILMS)
def test_a_film_is_made_of_uploads(films: httpx.Client, footage: str, music: str) -> None:
    ids = [uploaded(films, name).json()["id"] for name in (footage, music)]
    job = submitted(films, ids[0], SCRIPT, music=ids[1])
    assert list(events(films, job["id"]))[-1]["name"] == "end"
    assert films.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "done"
    check_report(films.get(f"/api/v1/jobs/{job['id']}/report.json").json(), footage)


def test_a_focus_beside_the_presenter_is_at_fault_and_not_the_footage(films: httpx.Client) -> None:
    """The crop shows the slide alone: who only heard that there is no face would film again."""
    footage = uploaded(films, "lecturer.mp4").json()["id"]
    job = submitted(films, footage, SCRIPT, focus="0.9,0.5")
    assert list(events(films, job["id"]))[-1]["name"] == "end"
    error = films.get(f"/api/v1/jobs/{job['id']}").json()["error"]
    assert (error["field"], error["reason"]) == ("focus", "OUTSIDE_CROP")
    assert "presenter fell outside the crop" in error["problem"]
    assert "`focus`" in error["remedy"]


@pytest.mark.parametrize(("footage", "music"), FILMS)
def test_a_film_is_made_of_files(tmp_path: Path, mesh: Mesh, footage: str, music: str) -> None:
    (tmp_path / "film.txt").write_text(SCRIPT, encoding="utf-8")
    beside = {"VIGENT_GATEWAY_ORCHESTRATOR": mesh.jobs, "VIGENT_MEDIA_ROOT": str(mesh.media_root)}
    given = ["film.txt", "--footage", str(CASES / footage), "--music", str(CASES / music)]
    size = [word for name, value in SIZE.items() for word in (f"--{name}", str(value))]
    done = vigent("make", *given, *size, cwd=tmp_path, environment=beside)
    assert done.returncode == 0, done.stderr
    assert facts_of(tmp_path / "film.mp4").frames > 10
    assert TOLD_OF_FILMS.get(footage, "") in done.stdout
    check_report(json.loads((tmp_path / "film.report.json").read_text(encoding="utf-8")), footage)


def test_a_photograph_in_tiles_is_refused_by_name(http: httpx.Client, tmp_path: Path) -> None:
    response = uploaded(http, REFUSED)
    assert (response.status_code, response.json()["reason"]) == (422, "WRONG_FILE_TYPE")
    assert "image/heic" in response.json()["problem"]
    (tmp_path / "film.txt").write_text(SCRIPT, encoding="utf-8")
    refused = vigent("make", "film.txt", "--footage", str(CASES / REFUSED), cwd=tmp_path)
    assert (refused.returncode, "image/heic" in refused.stderr, "JPEG or PNG" in refused.stderr) == (2, True, True)
