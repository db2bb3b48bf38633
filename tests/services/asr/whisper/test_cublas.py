"""cuBLAS 12 is no part of a machine without a GPU: libraries that do nothing stand for it."""

import ctypes
import shutil
import subprocess
import sys
from contextlib import suppress

import pytest

from services.asr.whisper.cublas import package_folder
from services.base.errors import FailedPreconditionError
from tests.support.mesh import ROOT

LOADED = """
import ctypes
from services.asr.whisper.cublas import load_cublas
load_cublas()
ctypes.CDLL("libcublas.so.12")
"""


def is_found():
    with suppress(OSError):
        return bool(ctypes.CDLL("libcublas.so.12"))
    return False


def run(*path):
    paths = ":".join(map(str, (ROOT, ROOT / "protos/gen", *path)))
    return subprocess.run(
        [sys.executable, "-c", LOADED], env={"PYTHONPATH": paths}, capture_output=True, encoding="utf-8", timeout=60
    )


@pytest.fixture
def package(tmp_path):
    """The package's layout; its libraries have the names that CTranslate2 asks for."""
    if (compiler := shutil.which("cc")) is None:
        pytest.skip("no C compiler makes the libraries")
    folder = tmp_path / "nvidia" / "cublas" / "lib"
    folder.mkdir(parents=True)
    for name in ("libcublasLt.so.12", "libcublas.so.12"):
        command = [compiler, "-shared", "-nostdlib", f"-Wl,-soname,{name}", "-o", folder / name, "-x", "c", "/dev/null"]
        subprocess.run(command, check=True, timeout=60)
    return tmp_path


@pytest.mark.skipif(package_folder() is not None or is_found(), reason="the machine has cuBLAS 12")
def test_what_the_package_brings_is_found_by_its_bare_name(package):
    loaded = run(package)
    assert loaded.returncode == 0, loaded.stderr


def test_where_there_is_none_the_engine_says_what_to_install(make_engine, monkeypatch):
    from services.asr.whisper import cublas
    from services.enginekit.progress import Progress

    monkeypatch.setattr(cublas, "_LIBRARIES", ("libnowhere.so.12",))
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 1)
    with pytest.raises(FailedPreconditionError, match="libnowhere") as refused:
        make_engine(device="cuda").warm_up(Progress())
    assert refused.value.reason == "ENGINE_NOT_INSTALLED"
    assert "whisper-cuda" in refused.value.remedy
