"""`vigent make` on machines as people have them: a film, or an error that says what to do, and never a hang."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.commands import TIMEOUT_S, VIGENT, environment_of
from tests.support.films import face_picture, facts_of
from tests.support.locales import locale_environment
from tests.support.mesh import Mesh, run_mesh
from tests.support.proxies import PROXIES

SCRIPT = "大家好，我是主持人。It speaks English, too.\n"
PLACE = "Mein Ordner 短片 100%?"
STEM, FACE = "短 片", "脸 1.png"
NO_HOME = {"HOME": "/dev/null/home"}  # not even root can write there
PLAIN = {"LC_ALL": "C"}
ENVIRONMENTS = {
    "dead proxies": PROXIES,
    "no home": NO_HOME,
    "home is a file": {"HOME": "/etc/hostname"},
    "LC_ALL=C": PLAIN,
    "LANG=C": {"LANG": "C"},
    "a locale that is not there": {"LC_ALL": "xx_XX.UTF-8"},
}
LOCALES = {"gbk": ("zh_CN", "GBK"), "latin-1": ("de_DE", "ISO-8859-1")}
_OWN = {"LANG", "LC_ALL", "LC_CTYPE", "LOCPATH", "PYTHONIOENCODING", "PYTHONUTF8", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh with all of it at once."""
    with run_mesh(tmp_path_factory.mktemp("hostile") / PLACE, {**PROXIES, **PLAIN, **NO_HOME}) as running:
        yield running


@pytest.fixture
def beside(mesh: Mesh) -> dict[str, str]:
    """The environment of somebody on whose machine that mesh runs."""
    return {"VIGENT_GATEWAY_ORCHESTRATOR": mesh.jobs, "VIGENT_MEDIA_ROOT": str(mesh.media_root)}


def place_of(folder: Path, charset: str = "utf-8") -> Path:
    """A new folder with script and face, whose names have spaces and Chinese characters in that character set."""
    place = folder / os.fsdecode(PLACE.encode(charset))
    place.mkdir()
    (place / os.fsdecode(f"{STEM}.txt".encode(charset))).write_text(SCRIPT, encoding="utf-8")
    (place / os.fsdecode(FACE.encode(charset))).write_bytes(face_picture())
    return place


def make(place: Path, environment: Mapping[str, str], *extra: str, charset: str = "utf-8") -> tuple[int, str]:
    """Exit code of `vigent make` and what it said, with arguments and output in that character set."""
    arguments = ["make", f"{STEM}.txt", "--footage", FACE, "--width", "270", "--height", "480", *extra]
    inherited = {name: value for name, value in environment_of().items() if name not in _OWN}
    done = subprocess.run(
        [*VIGENT, *(argument.encode(charset) for argument in arguments)],
        cwd=place,
        env={**inherited, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
    )
    said = done.stdout.decode(charset, errors="replace")
    assert "Traceback" not in said, said
    return done.returncode, said


def check_film(place: Path, charset: str = "utf-8") -> None:
    """It is whole, has the script's name, and what is beside it is in UTF-8."""
    film = place / os.fsdecode(f"{STEM}.mp4".encode(charset))
    assert facts_of(film).frames > 50
    assert "大家好" in film.with_suffix(".srt").read_text(encoding="utf-8")


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_a_film_is_made(tmp_path: Path, beside: dict[str, str], environment: dict[str, str]) -> None:
    place = place_of(tmp_path)
    code, said = make(place, beside | environment)
    assert code == 0, said
    check_film(place)


def test_a_film_is_made_from_names_in_the_locales_characters(tmp_path: Path, beside: dict[str, str]) -> None:
    place = place_of(tmp_path, "gbk")
    code, said = make(place, beside | locale_environment(tmp_path, *LOCALES["gbk"]), charset="gbk")
    assert (code, f"{STEM}.mp4" in said) == (0, True), said
    check_film(place, "gbk")


def test_names_in_other_characters_are_kept_where_the_locale_has_them(tmp_path: Path, beside: dict[str, str]) -> None:
    """Every byte is a letter in ISO-8859-1."""
    place = place_of(tmp_path)
    code, said = make(place, beside | locale_environment(tmp_path, *LOCALES["latin-1"]))
    assert code == 0, said
    check_film(place)


@pytest.mark.parametrize("name", ["gbk", "ascii"])
def test_names_that_the_locale_cannot_have_are_told(tmp_path: Path, beside: dict[str, str], name: str) -> None:
    small = {**PLAIN, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = small if name == "ascii" else locale_environment(tmp_path, *LOCALES[name])
    code, said = make(place_of(tmp_path), beside | environment)
    assert (code, "PYTHONUTF8=1" in said) == (2, True), said


def test_a_mesh_of_its_own_bears_all_of_it_at_once(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    code, said = make(place, {**PROXIES, **PLAIN, **NO_HOME}, "--data", "数据 50%?")
    assert code == 0, said
    check_film(place)
    assert (place / "数据 50%?" / "jobs.db").is_file()


@pytest.mark.parametrize("suffix", [".mp4", ".jpg"])
def test_footage_of_the_scripts_name_is_kept(tmp_path: Path, beside: dict[str, str], suffix: str) -> None:
    """The film would replace the one, its cover the other."""
    place = place_of(tmp_path)
    footage = place / f"{STEM}{suffix}"
    footage.write_bytes(face_picture())
    code, said = make(place, beside, "--footage", footage.name)
    assert (code, "--out" in said) == (2, True), said
    code, said = make(place, beside, "--footage", footage.name, "--out", "film.mp4")
    assert (code, footage.read_bytes()) == (0, face_picture()), said
