"""What Remotion lacks on a machine is named, all of it at once."""

import pytest

from services.base.errors import FailedPreconditionError
from services.overlay.remotion import requirements
from services.overlay.remotion.requirements import require


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """One with these programs alone; packages and build of remotion/ are there."""

    def with_programs(**scripts: str) -> None:
        for name, script in scripts.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (tmp_path / name).chmod(0o755)

    (tmp_path / "node_modules" / "remotion").mkdir(parents=True)
    (tmp_path / "main.js").touch()
    monkeypatch.setattr(requirements, "_FOLDER", tmp_path)
    monkeypatch.setattr(requirements, "MAIN", tmp_path / "main.js")
    monkeypatch.setenv("PATH", str(tmp_path))
    return with_programs


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ("echo v18.20.4", "Node 20 or newer (there is 18)"),
        ("exit 1", "Node 20 or newer"),
        ("echo hello", "Node 20 or newer"),
    ],
)
def test_a_node_that_is_too_old_is_named(machine, node, said):
    machine(node=node)
    with pytest.raises(FailedPreconditionError) as refused:
        require("")
    assert refused.value.problem == f"Remotion lacks {said}, Chromium."
    assert refused.value.reason == "ENGINE_NOT_INSTALLED"
    assert "make remotion" in refused.value.remedy


def test_packages_and_build_are_named(machine, tmp_path):
    machine(node="echo v22.1.0", chromium="")
    (tmp_path / "node_modules" / "remotion").rmdir()
    (tmp_path / "main.js").unlink()
    with pytest.raises(FailedPreconditionError) as refused:
        require("")
    packages, build = tmp_path / "node_modules" / "remotion", tmp_path / "main.js"
    assert refused.value.problem == f"Remotion lacks its packages ({packages}), its build ({build})."


def test_the_first_chromium_on_the_path_or_the_one_that_is_named(machine, tmp_path):
    machine(**{"node": "echo v20.0.0", "google-chrome": "", "my-chromium": ""})
    assert require("") == str(tmp_path / "google-chrome")
    assert require("my-chromium") == str(tmp_path / "my-chromium")
    with pytest.raises(FailedPreconditionError, match="Chromium \\(/nowhere/chromium\\)"):
        require("/nowhere/chromium")
