"""What real processes have loaded: a server answers for its engine and never loads what computes."""

from collections.abc import Iterator

import psutil
import pytest

from tests.support.mesh import Mesh, run_mesh

HEAVY = ("libtorch", "cv2", "libavcodec", "ctranslate2", "onnxruntime")


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with run_mesh(tmp_path_factory.mktemp("processes")) as running:
        yield running


def loaded(process: psutil.Process) -> set[str]:
    """Names out of `HEAVY` of the libraries that a process has mapped into its memory."""
    paths = [entry.path for entry in process.memory_maps()]
    return {name for name in HEAVY if any(name in path for path in paths)}


@pytest.mark.parametrize("service", ["tts", "lipsync", "asr", "overlay"])
def test_a_server_holds_no_library_that_computes(mesh: Mesh, service: str) -> None:
    assert not loaded(psutil.Process(mesh.servers[service].process.pid))


def test_its_worker_does(mesh: Mesh) -> None:
    assert "cv2" in loaded(mesh.servers["lipsync"].worker())


@pytest.mark.parametrize("service", ["tts", "lipsync", "asr", "overlay"])
def test_a_server_has_its_worker_and_no_other_process(mesh: Mesh, service: str) -> None:
    assert psutil.Process(mesh.servers[service].process.pid).children() == [mesh.servers[service].worker()]
