"""Whatever waits says for whom, and where: servers that are mute, frozen, slow to start, or not there."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.commands import running, vigent
from tests.support.films import face_picture
from tests.support.mesh import Mesh, run_mesh

ARGUMENTS = ["make", "script.txt", "--footage", "face.png", "--width", "270", "--height", "480"]
ENDED = r"^\(end of output\)$"


@pytest.fixture
def mute() -> Iterator[str]:
    """An address that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what a film is made of."""
    (tmp_path / "script.txt").write_text("Hello there. This is the second sentence.", encoding="utf-8")
    (tmp_path / "face.png").write_bytes(face_picture())
    return tmp_path


@pytest.mark.parametrize("arguments", [["jobs", "list"], ["jobs", "cancel", "x"], ARGUMENTS], ids=" ".join)
def test_a_mute_orchestrator_is_named(folder: Path, mute: str, arguments: list[str]) -> None:
    with running(*arguments, cwd=folder, environment={"VIGENT_GATEWAY_ORCHESTRATOR": mute}) as asked:
        asked.until(f"^Waiting for orchestrator at {mute}\\.$")
        if arguments != ARGUMENTS:  # which then starts a mesh
            asked.until(f"No orchestrator answers at {mute}")


def test_a_mute_voice_server_is_named(tmp_path: Path, mute: str) -> None:
    with running("voices", cwd=tmp_path, environment={"VIGENT_GATEWAY_TTS": mute}) as asked:
        asked.until(f"^Waiting for tts at {mute}\\.$")


def test_a_patient_probe_says_what_it_waits_for(tmp_path: Path, mute: str) -> None:
    with running("probe", mute, "--timeout", "4", cwd=tmp_path) as asked:
        asked.until(f"^Waiting for the server at {mute}\\.$")
        asked.until(f"{mute} did not answer in time|{mute} does not answer")


def test_the_address_that_was_tried_is_the_one_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "mesh").mkdir()
    asked = vigent("jobs", cwd=tmp_path, environment={"VIGENT_GATEWAY_ORCHESTRATOR": "ipv4:127.0.0.1:1,127.0.0.1:2"})
    assert "No orchestrator answers at 127.0.0.1:1, 127.0.0.1:2." in asked.stderr
    elsewhere = vigent("jobs", "list", "--data", "mesh", cwd=tmp_path)
    assert (elsewhere.returncode, "127.0.0.1" in elsewhere.stderr) == (1, False)
    assert "No orchestrator is running on mesh." in elsewhere.stderr


def test_a_server_that_was_set_and_is_away_is_named(tmp_path: Path) -> None:
    asked = vigent("voices", cwd=tmp_path, environment={"VIGENT_GATEWAY_TTS": "127.0.0.1:1"})
    assert (asked.returncode, "No tts answers at 127.0.0.1:1." in asked.stderr) == (0, True)


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A mesh of its own, for others would find it frozen."""
    with run_mesh(tmp_path_factory.mktemp("frozen")) as mesh:
        yield mesh


@pytest.fixture
def beside(probe: Mesh) -> dict[str, str]:
    """The environment of somebody on whose machine that mesh runs."""
    return {"VIGENT_GATEWAY_ORCHESTRATOR": probe.jobs, "VIGENT_MEDIA_ROOT": str(probe.media_root)}


@pytest.mark.parametrize(
    ("victim", "words"), [("orchestrator", "Waiting for orchestrator"), ("tts", "Waiting for a voice server")]
)
def test_a_frozen_server_is_named_until_it_goes_on(
    folder: Path, probe: Mesh, beside: dict[str, str], victim: str, words: str
) -> None:
    server = probe.servers[victim]
    server.process.send_signal(signal.SIGSTOP)
    try:
        with running(*ARGUMENTS, "--seed", str(len(victim)), cwd=folder, environment=beside) as making:
            making.until(f"{words} at {server.address}\\.$")
            server.process.send_signal(signal.SIGCONT)
            making.until(ENDED)
            assert "film; captions" in "\n".join(making.lines)
    finally:
        server.process.send_signal(signal.SIGCONT)


def test_an_orchestrator_that_freezes_in_the_middle_of_a_film_is_named(
    folder: Path, probe: Mesh, beside: dict[str, str]
) -> None:
    server = probe.servers["orchestrator"].process
    try:
        with running(*ARGUMENTS, "--seed", "9", cwd=folder, environment=beside) as making:
            making.until("preparing footage|making sentences")
            server.send_signal(signal.SIGSTOP)
            making.until(f"^Waiting for orchestrator at {probe.jobs}\\.$")
            server.send_signal(signal.SIGCONT)
            making.until(ENDED)
            assert "film; captions" in "\n".join(making.lines)
    finally:
        server.send_signal(signal.SIGCONT)


def _held(folder: Path) -> tuple[dict[str, str], Callable[[], None]]:
    options = json.dumps({"load_action": "hold", "hold_file": str(folder / "load")})
    return (
        {"VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts", "VIGENT_TTS_OPTIONS": options},
        (folder / "load").touch,
    )


def test_a_mesh_that_starts_says_who_is_not_ready(folder: Path) -> None:
    environment, let_go = _held(folder)
    data = ["--data", str(folder / "data")]
    with running("up", *data, "--port-base", "0", cwd=folder, environment=environment) as up:
        up.until(r"up +│ Waiting for tts at 127\.0\.0\.1:\d+\.$")
        let_go()
        up.until("Vigent is up")


def test_a_film_that_starts_a_mesh_says_who_is_not_ready(folder: Path) -> None:
    environment, let_go = _held(folder)
    with running(*ARGUMENTS, "--data", "data", cwd=folder, environment=environment) as making:
        making.until(r"^Waiting for tts at 127\.0\.0\.1:\d+\.$")
        let_go()
        making.until("film; captions")
