import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from services.base.errors import FailedPreconditionError
from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.tts.qwen3.engine import Qwen3Engine
from services.tts.qwen3.weights import Qwen3Model, SpeechTokenizer
from tests.checkpoints.qwen3_shapes import released_config, released_speech_config


@pytest.mark.parametrize(("size", "tensors", "millions"), [("1b7", 480, 1928.7), ("0b6", 478, 914.6)])
def test_released_shapes(size, tensors, millions):
    """Counts of the released checkpoints, taken from their configurations and from public tests of them."""
    with torch.device("meta"):
        state = Qwen3Model(released_config(size)).state_dict()
    assert len(state) == tensors
    assert sum(tensor.numel() for tensor in state.values()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_released_codec():
    with torch.device("meta"):
        codec = SpeechTokenizer(released_speech_config())
    counts = [sum(p.numel() for p in part.parameters()) / 1e6 for part in (codec.encoder, codec.decoder)]
    assert counts == pytest.approx([39.4, 114.3], abs=0.05)


@pytest.fixture
def folder(folders, tmp_path):
    return shutil.copytree(folders["custom_voice"], tmp_path / "checkpoint")


def load(folder):
    engine = Qwen3Engine(EngineSettings(checkpoint=folder, cache_root=folder.parent / "cache"))
    engine.warm_up(Progress())
    return engine


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "vocab.json",
        "model.safetensors",
        "speech_tokenizer/config.json",
        "speech_tokenizer/model.safetensors",
    ],
)
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(FailedPreconditionError, match=name) as refused:
        load(folder)
    assert "vigent models pull" in refused.value.remedy
    assert refused.value.field == "checkpoint"


@pytest.mark.parametrize("name", ["model.safetensors", "speech_tokenizer/model.safetensors"])
def test_truncated_weights(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(FailedPreconditionError, match="truncated") as refused:
        load(folder)
    assert refused.value.reason == "CHECKPOINT_TRUNCATED"


@pytest.mark.parametrize("change", ["missing", "shape", "unknown"])
def test_weights_that_do_not_fit(folder, change):
    tensors = load_file(folder / "model.safetensors")
    name = "talker.model.layers.1.mlp.up_proj.weight"
    if change == "missing":
        del tensors[name]
    elif change == "shape":
        tensors[name] = torch.zeros(3, 3)
    else:
        tensors[name := "talker.model.layers.9.mlp.up_proj.weight"] = torch.zeros(3, 3)
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(FailedPreconditionError, match=name):
        load(folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"talker_config": {}, "tts_model_type": "base"}'])
def test_broken_config(folder, content):
    (folder / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(FailedPreconditionError):
        load(folder)


def test_shards_are_found_by_their_index(folder):
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    (folder / "model.safetensors").unlink()
    shards = {"model-1.safetensors": names[: len(names) // 2], "model-2.safetensors": names[len(names) // 2 :]}
    for file, part in shards.items():
        save_file({name: tensors[name] for name in part}, folder / file)
    index = {name: file for file, part in shards.items() for name in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}), encoding="utf-8")
    loaded = load(folder)._model.model.state_dict()
    assert all(torch.equal(loaded[name], tensors[name]) for name in names)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"weight_map": {}}'])
def test_a_broken_index_of_shards(folder, content):
    (folder / "model.safetensors.index.json").write_text(content, encoding="utf-8")
    with pytest.raises(FailedPreconditionError, match="index") as refused:
        load(folder)
    assert refused.value.reason == "CHECKPOINT_INVALID"


def test_weights_of_the_right_dtype_stay_mapped_to_the_file(folder):
    engine = load(folder)
    assert engine._model.model.talker.codec_head.weight.dtype is torch.float32
    assert str(folder / "model.safetensors") in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_the_manifest_is_verified_before_loading(folder):
    from services.enginekit.checkpoints import CheckpointFile, Manifest, sha256_of

    files = tuple(
        CheckpointFile(path=name, size_bytes=(folder / name).stat().st_size, sha256=sha256_of(folder / name))
        for name in ("config.json", "model.safetensors")
    )
    manifest = Manifest(name="tiny", engine="qwen3", licence="none", files=files)
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    load(folder)
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(FailedPreconditionError) as refused:
        load(folder)
    assert refused.value.reason == "CHECKPOINT_CORRUPT"
