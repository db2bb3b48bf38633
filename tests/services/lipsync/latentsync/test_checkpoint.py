import json
import shutil

import pytest
import torch

from services.lipsync.latentsync.checkpoint import load_encoder, load_unet, load_vae, read_manifest, verify
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
        verify(folder, read_manifest(folder, resolution), lambda size: None)
    assert caught.value.field == "checkpoint"
    assert caught.value.remedy
    return caught.value.reason


def test_a_whole_checkpoint_loads(whole):
    manifest = read_manifest(whole)
    seen = []
    verify(whole, manifest, seen.append)
    assert sum(seen) == manifest.size_bytes
    assert manifest.model == TINY_UNET
    unet = load_unet(whole, manifest.model, CPU, torch.float16)
    assert {tensor.dtype for tensor in unet.state_dict().values()} == {torch.float16}
    assert load_encoder(whole, CPU).states(torch.zeros(16000)).shape == (50, 5, 8)
    vae = load_vae(whole, CPU, torch.float32)
    latents = vae.encode(torch.zeros(3, 3, RESOLUTION, RESOLUTION))
    assert latents.shape == (3, 4, RESOLUTION // 8, RESOLUTION // 8)
    assert vae.decode(latents).shape == (3, 3, RESOLUTION, RESOLUTION)


def test_loading_gives_the_saved_numbers(whole):
    saved = torch.load(whole / "latentsync_unet.pt", weights_only=True)["state_dict"]
    loaded = load_unet(whole, TINY_UNET, CPU, torch.float32).state_dict()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)


def test_a_missing_manifest(tmp_path):
    assert refusal(tmp_path) == "CHECKPOINT_MISSING"


def test_a_manifest_that_is_none(folder):
    (folder / "manifest.json").write_text("{")
    assert refusal(folder) == "CHECKPOINT_INVALID"


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd"])
def test_a_manifest_that_points_outside(folder, path):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][0]["path"] = path
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(folder) == "CHECKPOINT_INVALID"


def test_a_manifest_with_unknown_sizes(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["model"]["wings"] = 2
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert refusal(folder) == "CHECKPOINT_INVALID"


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
        load_unet(folder, TINY_UNET, CPU, torch.float32)
    assert caught.value.reason == "CHECKPOINT_INVALID"


def test_a_whisper_file_of_another_maker(folder):
    torch.save({"model_state_dict": {}}, folder / "whisper/tiny.pt")
    with pytest.raises(FailedPreconditionError, match="dims"):
        load_encoder(folder, CPU)


def test_a_folder_that_is_no_vae(folder):
    (folder / "vae/config.json").unlink()
    with pytest.raises(FailedPreconditionError, match="VAE"):
        load_vae(folder, CPU, torch.float32)
