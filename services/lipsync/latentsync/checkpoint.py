"""The checkpoint folder: what must be in it, and loading it, all from local disk.

    manifest.json                    see services/enginekit/checkpoints.py
    latentsync_unet.pt               the release's UNet: {"state_dict": ...}
    whisper/tiny.pt                  OpenAI's file: {"dims": ..., "model_state_dict": ...}
    vae/config.json, vae/diffusion_pytorch_model.safetensors (or .bin)     stabilityai/sd-vae-ft-mse
    unet.json                        only for networks of other sizes than the released ones: fields of UNetConfig

1.5 and 1.6 have the same names and shapes, so the weights do not show their resolution; 1.5 run at 512 loses its sync
(SyncNet confidence 2.0 instead of 9.8). So the manifest states the resolution, which is checked against the version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor, nn

from services.enginekit.checkpoints import MANIFEST, Manifest, read_manifest, refused
from services.lipsync.latentsync.face.mask import LATENT_STRIDE
from services.lipsync.latentsync.networks.blocks import UNetConfig
from services.lipsync.latentsync.networks.unet import UNet
from services.lipsync.latentsync.networks.vae import LATENT_CHANNELS, Vae
from services.lipsync.latentsync.networks.whisper import MELS, AudioDims, WhisperEncoder

UNET = "latentsync_unet.pt"
UNET_SIZES = "unet.json"
WHISPER = "whisper/tiny.pt"
VAE = "vae"

_RESOLUTION_OF_VERSION = {"1.5": 256, "1.6": 512}
_PULL = "Pull the checkpoint with `vigent models pull`, or set the folder that holds it."

Module = TypeVar("Module", bound=nn.Module)


@dataclass(frozen=True)
class Checkpoint:
    """A folder, what its manifest says, and the side in pixels of the pictures it was trained on."""

    folder: Path
    manifest: Manifest
    resolution: int

    @property
    def fingerprint(self) -> str:
        """Identifies the weights in the keys of caches."""
        content = sorted((file.path, file.sha256) for file in self.manifest.files)
        return hashlib.sha256(repr(content).encode()).hexdigest()[:16]


def find_checkpoint(folder: Path, wanted: int | None = None) -> Checkpoint:
    """Reads the manifest of `folder`; `wanted` is the resolution that the operator set, None for the checkpoint's own.

    Raises FailedPreconditionError: CHECKPOINT_MISSING, CHECKPOINT_INVALID, CHECKPOINT_WRONG_RESOLUTION.
    """
    manifest = read_manifest(folder / MANIFEST)
    if manifest.engine != "latentsync" or not manifest.pinned or manifest.resolution is None:
        problem = f"{folder / MANIFEST} does not describe a LatentSync checkpoint with resolution, sizes and hashes."
        raise refused("CHECKPOINT_INVALID", problem, _PULL)
    trained = _RESOLUTION_OF_VERSION.get(manifest.version, manifest.resolution)
    for resolution in (manifest.resolution, wanted):
        if resolution is not None and resolution != trained:
            raise refused(
                "CHECKPOINT_WRONG_RESOLUTION",
                f"{manifest.name} (version {manifest.version}) was trained at {trained}, not at {resolution}.",
                f"Run it at {trained}, or use the checkpoint made for {resolution}.",
            )
    return Checkpoint(folder, manifest, trained)


def unet_config(folder: Path) -> UNetConfig:
    """Sizes of the UNet. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    path = folder / UNET_SIZES
    if not path.is_file():
        return UNetConfig()
    try:
        return TypeAdapter(UNetConfig).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        problem = f"{path}: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
        raise refused("CHECKPOINT_INVALID", problem, _PULL) from error


def load_unet(folder: Path, device: torch.device, dtype: torch.dtype) -> UNet:
    """The UNet of `latentsync_unet.pt` on `device`. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    config = unet_config(folder)
    weights = _weights(folder / UNET, "state_dict")
    if not any("motion_modules" in name for name in weights):
        problem = f"{folder / UNET} has no motion modules: it is LatentSync 1.0."
        raise refused("CHECKPOINT_INVALID", problem, "Use 1.5 or 1.6.")
    with torch.device("meta"):
        unet = UNet(config)
    return _filled(unet, weights, folder / UNET, device, dtype)


def load_encoder(folder: Path, device: torch.device) -> WhisperEncoder:
    """The audio encoder of `whisper/tiny.pt`, float32. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    path = folder / WHISPER
    weights = {name: w for name, w in _weights(path, "model_state_dict").items() if name.startswith("encoder.")}
    try:
        dims = AudioDims.of(_content(path)["dims"])
    except (KeyError, TypeError, ValueError) as error:
        problem = f"{path} does not say the sizes of an encoder: {error}."
        raise refused("CHECKPOINT_INVALID", problem, "Use OpenAI's original tiny.pt.") from error
    with torch.device("meta"):
        encoder = WhisperEncoder(dims)
    return _filled(encoder, weights, path, device, torch.float32)


def check_hearing(unet: UNet, encoder: WhisperEncoder, folder: Path) -> None:
    """Raises FailedPreconditionError (CHECKPOINT_INVALID) when the encoder's output does not fit the UNet."""
    bands, made, wanted = encoder.dims.n_mels, encoder.dims.n_audio_state, unet.config.audio_dim
    if (bands, made) != (MELS, wanted):
        problem = f"{folder / WHISPER} has width {made} and {bands} mel bands; the UNet needs {wanted} and {MELS}."
        raise refused("CHECKPOINT_INVALID", problem, "Use Whisper tiny.")


def load_vae(folder: Path, device: torch.device, dtype: torch.dtype) -> Vae:
    """The VAE in `vae/`. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    from diffusers import AutoencoderKL

    try:
        model, found = AutoencoderKL.from_pretrained(
            folder / VAE, torch_dtype=dtype, local_files_only=True, output_loading_info=True
        )
    except (LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise refused("CHECKPOINT_INVALID", f"{folder / VAE} is not a diffusers VAE.", _PULL) from error
    _check_vae(model.config, found["missing_keys"], folder / VAE)
    return Vae(model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False))


def _check_vae(config: Any, lacking: Collection[str], path: Path) -> None:  # noqa: ANN401 - diffusers has no types
    if lacking:  # diffusers would fill them with random numbers
        problem = f"{path} lacks {len(lacking)} weights, such as {min(lacking)}."
        raise refused("CHECKPOINT_INVALID", problem, _PULL)
    channels, stride = config.latent_channels, 2 ** (len(config.block_out_channels) - 1)
    if (channels, stride) != (LATENT_CHANNELS, LATENT_STRIDE):
        problem = f"{path} makes {channels} channels of every {stride} x {stride} pixels."
        remedy = f"Use sd-vae-ft-mse, which makes {LATENT_CHANNELS} of {LATENT_STRIDE} x {LATENT_STRIDE}."
        raise refused("CHECKPOINT_INVALID", problem, remedy)


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # the unpickler can raise anything
        raise refused("CHECKPOINT_INVALID", f"{path} cannot be read as weights.", _PULL) from error
    return content if isinstance(content, Mapping) else {}


def _weights(path: Path, entry: str) -> Mapping[str, Tensor]:
    content = _content(path)
    weights = content.get(entry)
    if not isinstance(weights, Mapping) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise refused("CHECKPOINT_INVALID", f"{path} has no weights in {entry!r}.", "Use the file as released.")
    return weights


def _filled(
    module: Module, weights: Mapping[str, Tensor], path: Path, device: torch.device, dtype: torch.dtype
) -> Module:
    """Puts memory-mapped weights into a module without values; each is copied once, to its device and dtype."""
    own = module.state_dict()
    wrong = sorted(name for name in own if name not in weights or weights[name].shape != own[name].shape)
    if wrong:
        problem = f"{path} lacks {len(wrong)} of {len(own)} weights or has them in other shapes, such as {wrong[0]}."
        raise refused("CHECKPOINT_INVALID", problem, "Use the checkpoint of the version that the manifest names.")
    module.load_state_dict({name: weights[name] for name in own}, assign=True)
    module.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module.eval().requires_grad_(False)
