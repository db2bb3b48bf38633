"""Makes tiny random LatentSync checkpoints in the published file layout, for the real loading code."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from services.lipsync.latentsync.networks.blocks import UNetConfig
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.networks.whisper import AudioDims, WhisperEncoder
from tests.checkpoints.manifest import describe

TINY_UNET = UNetConfig(
    block_out_channels=(32, 32, 32, 32),
    layers_per_block=1,
    audio_dim=8,
    attention_heads=2,
    motion_heads=2,
    norm_groups=8,
)
TINY_AUDIO = AudioDims(n_audio_state=8, n_audio_head=2)
RESOLUTION = 64


def write_latentsync(folder: Path, *, resolution: int = RESOLUTION, version: str = "tiny", seed: int = 0) -> Path:
    """Writes a whole checkpoint of a few megabytes below `folder` and returns it."""
    (folder / "whisper").mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _write_unet(folder)
        write_whisper(folder / "whisper/tiny.pt")
        _write_vae(folder / "vae")
    return write_manifest(folder, resolution=resolution, version=version)


def write_manifest(folder: Path, *, resolution: int = RESOLUTION, version: str = "tiny") -> Path:
    """Describes the files that lie in `folder`."""
    return describe(folder, name=f"latentsync-{version}", engine="latentsync", version=version, resolution=resolution)


def _write_unet(folder: Path) -> None:
    torch.save({"global_step": 1, "state_dict": UNet(TINY_UNET).state_dict()}, folder / "latentsync_unet.pt")
    (folder / "unet.json").write_text(json.dumps(asdict(TINY_UNET)), encoding="utf-8")


def write_whisper(path: Path, sizes: AudioDims = TINY_AUDIO) -> None:
    """Writes an encoder of random numbers as OpenAI's files have it."""
    weights = WhisperEncoder(sizes).state_dict() | {"decoder.ln.weight": torch.ones(4)}
    text = {"n_vocab": 100, "n_text_ctx": 8, "n_text_state": 8, "n_text_head": 2, "n_text_layer": 1}
    dims = asdict(sizes) | text
    torch.save({"dims": dims, "model_state_dict": weights}, path)


def _write_vae(folder: Path) -> None:
    from diffusers import AutoencoderKL

    AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=4,
    ).save_pretrained(folder)
