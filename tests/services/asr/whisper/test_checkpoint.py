import json
import shutil

import pytest

from services.base.errors import FailedPreconditionError
from services.enginekit.progress import Progress
from tests.checkpoints.whisper import write_manifest


@pytest.fixture
def folder(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def refusal(make_engine, folder):
    with pytest.raises(FailedPreconditionError) as caught:
        make_engine(folder).warm_up(Progress())
    assert caught.value.field == "checkpoint"
    assert caught.value.remedy
    return caught.value.reason


@pytest.mark.parametrize("name", ["config.json", "model.bin", "tokenizer.json", "vocabulary.json"])
def test_a_missing_file(make_engine, folder, name):
    (folder / name).unlink()
    assert refusal(make_engine, folder) == "CHECKPOINT_MISSING"


def test_a_missing_folder(make_engine, tmp_path):
    assert refusal(make_engine, tmp_path / "nowhere") == "CHECKPOINT_MISSING"


@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_truncated_file(make_engine, folder, with_manifest):
    weights = folder / "model.bin"
    weights.write_bytes(weights.read_bytes()[:-1000])
    if not with_manifest:
        (folder / "manifest.json").unlink()
    assert refusal(make_engine, folder) == ("CHECKPOINT_TRUNCATED" if with_manifest else "CHECKPOINT_INVALID")


def test_a_changed_file(make_engine, folder):
    content = bytearray((folder / "model.bin").read_bytes())
    content[-1] ^= 1
    (folder / "model.bin").write_bytes(content)
    assert refusal(make_engine, folder) == "CHECKPOINT_CORRUPT"


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "vocabulary.json"])
def test_files_that_hold_something_else(make_engine, folder, name):
    (folder / name).write_text("{", encoding="utf-8")
    write_manifest(folder)
    assert refusal(make_engine, folder) == "CHECKPOINT_INVALID"


def test_a_manifest_of_something_else(make_engine, folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8")) | {"engine": "qwen3"}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert refusal(make_engine, folder) == "CHECKPOINT_INVALID"


def test_a_full_device_is_not_called_a_broken_checkpoint(make_engine, monkeypatch):
    def full(*_, **__):
        raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr("services.asr.whisper.checkpoint.WhisperModel", full)
    with pytest.raises(RuntimeError, match="out of memory"):
        make_engine().warm_up(Progress())


def test_a_model_without_alignment_heads(make_engine, folder):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["alignment_heads"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_manifest(folder)
    assert refusal(make_engine, folder) == "CHECKPOINT_INVALID"


def test_the_shipped_manifests_name_what_is_needed(make_engine):
    from pathlib import Path

    from services.asr.whisper.checkpoint import FILES, VOCABULARIES

    for path in Path("assets/models").glob("faster-whisper-*.json"):
        names = {file["path"] for file in json.loads(path.read_text(encoding="utf-8"))["files"]}
        assert names >= {*FILES}
        assert names & {*VOCABULARIES}
