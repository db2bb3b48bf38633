import hashlib
import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.base.errors import FailedPreconditionError
from services.enginekit.checkpoints import (
    CheckpointFile,
    Manifest,
    known_manifests,
    read_manifest,
    verify,
    verify_once,
)

CONTENT = b"weights" * 1000
ASSETS = Path(__file__).parents[3] / "assets/models"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "part/model.bin").write_bytes(CONTENT)
    return tmp_path


def manifest(**file) -> Manifest:
    known = {"path": "part/model.bin", "size_bytes": len(CONTENT), "sha256": sha256(CONTENT)} | file
    return Manifest(name="tiny", engine="test", licence="MIT", files=(CheckpointFile(**known),))


def reason_of(action) -> str:
    with pytest.raises(FailedPreconditionError) as refused:
        action()
    assert refused.value.field == "checkpoint"
    assert refused.value.remedy
    return refused.value.reason


def test_a_whole_checkpoint_passes(folder):
    pieces: list[int] = []
    verify(folder, manifest(), pieces.append)
    assert sum(pieces) == len(CONTENT)


def test_what_is_wrong_has_a_name(folder):
    path = folder / "part/model.bin"
    path.write_bytes(CONTENT[:-1])
    assert reason_of(lambda: verify(folder, manifest())) == "CHECKPOINT_TRUNCATED"
    path.write_bytes(CONTENT[:-1] + b"x")
    assert reason_of(lambda: verify(folder, manifest())) == "CHECKPOINT_CORRUPT"
    path.unlink()
    assert reason_of(lambda: verify(folder, manifest())) == "CHECKPOINT_MISSING"


def test_unknown_hashes_are_not_compared(folder):
    verify(folder, manifest(size_bytes=None, sha256=None))
    assert not manifest(sha256=None).pinned
    assert manifest().pinned
    assert (manifest().size_bytes, manifest(size_bytes=None).size_bytes) == (len(CONTENT), None)


def test_files_are_hashed_once_until_they_change(folder, tmp_path_factory):
    cache, pieces = tmp_path_factory.mktemp("cache"), []
    verify_once(folder, manifest(), cache, pieces.append)
    verify_once(folder, manifest(), cache, pieces.append)
    assert sum(pieces) == len(CONTENT)
    (folder / "part/model.bin").write_bytes(CONTENT[:-1] + b"x")
    assert reason_of(lambda: verify_once(folder, manifest(), cache)) == "CHECKPOINT_CORRUPT"
    assert reason_of(lambda: verify_once(folder, manifest(), cache)) == "CHECKPOINT_CORRUPT"


def test_a_caller_can_stop_the_hashing(folder):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(folder, manifest(), stop)


@pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../b", "", "..\\b"])
def test_files_lie_inside_the_folder(path):
    with pytest.raises(ValidationError, match="inside"):
        CheckpointFile(path=path)


def test_broken_manifests(tmp_path):
    assert reason_of(lambda: read_manifest(tmp_path / "none.json")) == "CHECKPOINT_MISSING"
    for content in ("{", "[]", '{"name": "x"}', '{"name": "../x", "engine": "e", "licence": "l", "files": []}'):
        (tmp_path / "bad.json").write_text(content, encoding="utf-8")
        assert reason_of(lambda: read_manifest(tmp_path / "bad.json")) == "CHECKPOINT_INVALID"


def test_the_manifests_that_come_with_the_project():
    manifests = known_manifests(ASSETS)
    assert {"qwen3-tts-12hz-1.7b-base", "latentsync-1.5", "latentsync-1.6"} <= manifests.keys()
    assert {manifests[f"latentsync-{version}"].resolution for version in ("1.5", "1.6")} == {256, 512}
    for name, found in manifests.items():
        assert (ASSETS / f"{name}.json").is_file()
        assert found.licence
        assert found.source or all(file.parts for file in found.files)
        assert {part.package for file in found.files for part in file.parts} == {own.name for own in found.packages}
        assert found.engine in {"qwen3", "latentsync", "whisper", "kokoro"}
        assert found.pinned or not found.starter
        unknown_keys = (
            json.loads((ASSETS / f"{name}.json").read_text(encoding="utf-8")).keys() - Manifest.model_fields.keys()
        )
        assert not unknown_keys
