import json
import shutil
from pathlib import Path

import pytest
import torch

from services.lipsync.latentsync.blocks import UNetConfig
from services.lipsync.latentsync.checkpoint import find_checkpoint, load_encoder, load_unet, load_vae, unet_config
from services.runtime.checkpoints import verify
from services.runtime.errors import FailedPreconditionError
from tests.checkpoints.latentsync import RESOLUTION, TINY_UNET, write_latentsync, write_manifest

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_latentsync(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def refusal(folder, resolution=None):
    with pytest.raises(FailedPreconditionError) as caught:
        verify(folder, find_checkpoint(folder, resolution).manifest)
    assert caught.value.field == "checkpoint"
    assert caught.value.remedy
    return caught.value.reason


def test_a_whole_checkpoint_loads(whole):
    checkpoint = find_checkpoint(whole)
    verify(whole, checkpoint.manifest)
    assert checkpoint.resolution == RESOLUTION
    assert unet_config(whole) == TINY_UNET
    unet = load_unet(whole, CPU, torch.float16)
    assert {tensor.dtype for tensor in unet.state_dict().values()} == {torch.float16}
    assert load_encoder(whole, CPU).states(torch.zeros(16000)).shape == (50, 5, 8)
    vae = load_vae(whole, CPU, torch.float32)
    latents = vae.encode(torch.zeros(3, 3, RESOLUTION, RESOLUTION))
    assert latents.shape == (3, 4, RESOLUTION // 8, RESOLUTION // 8)
    assert vae.decode(latents).shape == (3, 3, RESOLUTION, RESOLUTION)


def test_loading_gives_the_saved_numbers(whole):
    saved = torch.load(whole / "latentsync_unet.pt", weights_only=True)["state_dict"]
    loaded = load_unet(whole, CPU, torch.float32).state_dict()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


def test_a_missing_manifest(tmp_path):
    assert refusal(tmp_path) == "CHECKPOINT_MISSING"


def test_a_manifest_that_is_none(folder):
    (folder / "manifest.json").write_text("{")
    assert refusal(folder) == "CHECKPOINT_INVALID"


@pytest.mark.parametrize(("name", "value"), [("engine", "qwen3"), ("resolution", None)])
def test_a_manifest_of_something_else(folder, name, value):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest[name] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(folder) == "CHECKPOINT_INVALID"


def test_a_manifest_without_hashes(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["sha256"] = None
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(folder) == "CHECKPOINT_INVALID"


def test_unknown_sizes(folder):
    (folder / "unet.json").write_text('{"wings": 2}')
    with pytest.raises(FailedPreconditionError, match="wings"):
        unet_config(folder)


def test_the_released_sizes_need_no_file(tmp_path):
    assert unet_config(tmp_path) == UNetConfig()


def test_the_shipped_manifests_become_suitable_once_pulled(tmp_path):
    for version, resolution in (("1.5", 256), ("1.6", 512)):
        manifest = json.loads(Path(f"assets/models/latentsync-{version}.json").read_text())
        manifest["files"] = [{"path": file["path"], "size_bytes": 1, "sha256": "0" * 64} for file in manifest["files"]]
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        assert find_checkpoint(tmp_path, resolution).resolution == resolution
        assert refusal(tmp_path, 768 - resolution) == "CHECKPOINT_WRONG_RESOLUTION"


def test_a_missing_file(folder):
    (folder / "whisper/tiny.pt").unlink()
    assert refusal(folder) == "CHECKPOINT_MISSING"


def test_a_truncated_file(folder):
    path = folder / "latentsync_unet.pt"
    path.write_bytes(path.read_bytes()[:-1])
    assert refusal(folder) == "CHECKPOINT_TRUNCATED"


def test_a_changed_file(folder):
    path = folder / "latentsync_unet.pt"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert refusal(folder) == "CHECKPOINT_CORRUPT"


@pytest.mark.parametrize(
    ("version", "declared", "wanted"), [("1.5", 256, 512), ("1.5", 512, None), ("1.6", 512, 256), ("tiny", 64, 128)]
)
def test_a_checkpoint_of_another_resolution_is_refused(folder, version, declared, wanted):
    write_manifest(folder, resolution=declared, version=version)
    assert refusal(folder, wanted) == "CHECKPOINT_WRONG_RESOLUTION"


@pytest.mark.parametrize(
    "content",
    [
        b"no weights at all",
        {"state_dict": {}},
        {"model": {}},
        {"state_dict": {"down_blocks.0.motion_modules.0.x": torch.zeros(1)}},
    ],
)
def test_files_that_hold_something_else(folder, content):
    path = folder / "latentsync_unet.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(FailedPreconditionError) as caught:
        load_unet(folder, CPU, torch.float32)
    assert caught.value.reason == "CHECKPOINT_INVALID"


def test_a_whisper_file_of_another_maker(folder):
    torch.save({"model_state_dict": {}}, folder / "whisper/tiny.pt")
    with pytest.raises(FailedPreconditionError, match="dims"):
        load_encoder(folder, CPU)


def test_a_folder_that_is_no_vae(folder):
    (folder / "vae/config.json").unlink()
    with pytest.raises(FailedPreconditionError, match="VAE"):
        load_vae(folder, CPU, torch.float32)
