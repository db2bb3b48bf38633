import json
import shutil
from functools import reduce
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from services.base.errors import FailedPreconditionError
from services.enginekit.checkpoints import verify
from services.enginekit.progress import Progress
from services.lipsync.latentsync.checkpoint import (
    find_checkpoint,
    load_encoder,
    load_unet,
    load_vae,
    unet_config,
)
from services.lipsync.latentsync.model import load_model
from services.lipsync.latentsync.networks.blocks import UNetConfig
from services.lipsync.latentsync.networks.whisper import AudioDims
from tests.checkpoints.latentsync import RESOLUTION, TINY_UNET, write_latentsync, write_manifest, write_whisper

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
    (folder / "manifest.json").write_text("{", encoding="utf-8")
    assert refusal(folder) == "CHECKPOINT_INVALID"


@pytest.mark.parametrize(("name", "value"), [("engine", "qwen3"), ("resolution", None)])
def test_a_manifest_of_something_else(folder, name, value):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest[name] = value
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert refusal(folder) == "CHECKPOINT_INVALID"


def test_a_manifest_without_hashes(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][0]["sha256"] = None
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert refusal(folder) == "CHECKPOINT_INVALID"


def test_unknown_sizes(folder):
    (folder / "unet.json").write_text('{"wings": 2}', encoding="utf-8")
    with pytest.raises(FailedPreconditionError, match="wings"):
        unet_config(folder)


def test_the_released_sizes_need_no_file(tmp_path):
    assert unet_config(tmp_path) == UNetConfig()


def test_the_shipped_manifests_become_suitable_once_pulled(tmp_path):
    for version, resolution in (("1.5", 256), ("1.6", 512)):
        manifest = json.loads(Path(f"assets/models/latentsync-{version}.json").read_text(encoding="utf-8"))
        manifest["files"] = [{"path": file["path"], "size_bytes": 1, "sha256": "0" * 64} for file in manifest["files"]]
        (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
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
        {"state_dict": [1, 2]},
        {"state_dict": {"down_blocks.0.motion_modules.0.x": "text"}},
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


@pytest.mark.parametrize("dims", [None, "tiny", {"n_mels": "many"}])
def test_a_whisper_file_of_another_maker(folder, dims):
    torch.save({"model_state_dict": {}} | ({"dims": dims} if dims else {}), folder / "whisper/tiny.pt")
    with pytest.raises(FailedPreconditionError, match="sizes"):
        load_encoder(folder, CPU)


@pytest.mark.parametrize("dims", [AudioDims(n_audio_state=16, n_audio_head=2), AudioDims(128, 1500, 8, 2)])
def test_another_whisper_than_the_unet_was_trained_with(folder, tmp_path, dims):
    write_whisper(folder / "whisper/tiny.pt", dims)
    found = find_checkpoint(write_manifest(folder), None)
    with pytest.raises(FailedPreconditionError, match="needs 8 and 80") as caught:
        load_model(found, CPU, torch.float32, "off", tmp_path / "cache", Progress())
    assert caught.value.reason == "CHECKPOINT_INVALID"


def test_a_folder_that_is_no_vae(folder):
    (folder / "vae/config.json").unlink()
    with pytest.raises(FailedPreconditionError, match="VAE"):
        load_vae(folder, CPU, torch.float32)


def test_the_published_vae_names_its_attention_in_the_old_way(whole, folder):
    path = folder / "vae/diffusion_pytorch_model.safetensors"
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    weights = load_file(path)
    for name in [name for name in weights if "attentions" in name]:
        renamed = reduce(lambda text, pair: text.replace(*pair), old.items(), name)
        weights[renamed] = weights.pop(name)
    assert any(name.endswith("proj_attn.weight") for name in weights)
    save_file(weights, path)
    pictures = torch.randn(1, 3, 64, 64)
    ours, theirs = (load_vae(each, CPU, torch.float32).encode(pictures) for each in (folder, whole))
    assert torch.equal(ours, theirs)


def test_a_vae_that_lacks_weights(folder):
    path = folder / "vae/diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    del weights["encoder.conv_in.weight"]
    save_file(weights, path)
    with pytest.raises(FailedPreconditionError, match=r"lacks 1 weights, such as encoder\.conv_in\.weight"):
        load_vae(folder, CPU, torch.float32)


@pytest.mark.parametrize(("levels", "channels", "told"), [(4, 16, "16 channels"), (3, 4, "4 x 4 pixels")])
def test_a_vae_of_another_model(folder, levels, channels, told):
    from diffusers import AutoencoderKL  # which takes seconds, and every run of pytest reads this file

    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=(8,) * levels,
        norm_num_groups=4,
        latent_channels=channels,
    ).save_pretrained(folder / "vae")
    with pytest.raises(FailedPreconditionError, match=told):
        load_vae(folder, CPU, torch.float32)


def test_a_vae_with_sizes_that_do_not_fit(folder):
    path = folder / "vae/config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"block_out_channels": [8, 8]}), encoding="utf-8"
    )
    with pytest.raises(FailedPreconditionError, match="not a diffusers VAE"):
        load_vae(folder, CPU, torch.float32)
