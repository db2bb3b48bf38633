"""The checkpoint folder: what must be in it, proof that it is whole, and loading, all from local disk.

    manifest.json                    what this file describes below
    latentsync_unet.pt               the release's UNet: {"state_dict": ...}
    whisper/tiny.pt                  OpenAI's file: {"dims": ..., "model_state_dict": ...}
    vae/config.json, vae/diffusion_pytorch_model.safetensors (or .bin)     stabilityai/sd-vae-ft-mse

1.5 and 1.6 have the same names and shapes, so the weights do not tell their resolution; 1.5 run at 512 loses its sync
(SyncNet confidence 2.0 instead of 9.8). Therefore the manifest says it, and it is checked against the version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from services.lipsync.latentsync.blocks import UNetConfig
from services.lipsync.latentsync.unet import UNet
from services.lipsync.latentsync.vae import Vae
from services.lipsync.latentsync.whisper import AudioDims, WhisperEncoder
from services.runtime.errors import FailedPreconditionError

MANIFEST = "manifest.json"
UNET = "latentsync_unet.pt"
WHISPER = "whisper/tiny.pt"
VAE = "vae"

_RESOLUTION_OF_VERSION = {"1.5": 256, "1.6": 512}
Module = TypeVar("Module", bound=nn.Module)

_HASH_CHUNK_BYTES = 16 * 2**20


def _inside(path: str) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError("must lie inside the checkpoint folder")
    return path


class CheckpointFile(BaseModel):
    """One file of a checkpoint: path below its folder, exact size, lower-case hexadecimal SHA-256."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(_inside)]
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """`manifest.json`. `model` is for networks of other sizes than the released ones."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    version: str
    resolution: int = Field(ge=64, multiple_of=64)
    licence: str
    files: tuple[CheckpointFile, ...]
    model: UNetConfig = UNetConfig()

    @property
    def fingerprint(self) -> str:
        """Tells weights apart, for caches of what they computed."""
        content = repr(sorted((file.path, file.sha256) for file in self.files)) + repr(self.model)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)


def read_manifest(folder: Path, resolution: int | None = None) -> Manifest:
    """Reads `folder/manifest.json`; `resolution` is what the operator wants to run at, None for the checkpoint's own.

    Raises FailedPreconditionError: CHECKPOINT_MISSING, CHECKPOINT_INVALID, CHECKPOINT_WRONG_RESOLUTION.
    """
    path = folder / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise _refused("CHECKPOINT_MISSING", f"{path} cannot be read: {error.strerror}.", _PULL) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _refused("CHECKPOINT_INVALID", f"{path}: {place}: {first['msg']}.", _PULL) from error
    trained = _RESOLUTION_OF_VERSION.get(manifest.version, manifest.resolution)
    for wanted in (manifest.resolution, resolution):
        if wanted is not None and wanted != trained:
            raise _refused(
                "CHECKPOINT_WRONG_RESOLUTION",
                f"{manifest.name} (version {manifest.version}) was trained at {trained}, not at {wanted}.",
                f"Run it at {trained}, or use the checkpoint made for {wanted}.",
            )
    return manifest


def verify(folder: Path, manifest: Manifest, hashed: Callable[[int], None]) -> None:
    """Compares every file with the manifest; `hashed` is told the bytes of each piece and may raise to stop.

    Raises FailedPreconditionError: CHECKPOINT_MISSING, CHECKPOINT_TRUNCATED (size), CHECKPOINT_CORRUPT (hash).
    """
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            raise _refused("CHECKPOINT_MISSING", f"{path} is missing.", _PULL)
        if (size := path.stat().st_size) != file.size_bytes:
            problem = f"{path} has {size} bytes instead of {file.size_bytes}."
            raise _refused("CHECKPOINT_TRUNCATED", problem, "Pull the checkpoint again; a download broke off.")
    for file in manifest.files:
        if _sha256(folder / file.path, hashed) != file.sha256:
            problem = f"{folder / file.path} does not have the SHA-256 of the manifest."
            raise _refused("CHECKPOINT_CORRUPT", problem, "Pull the checkpoint again; its content was changed.")


def load_unet(folder: Path, config: UNetConfig, device: torch.device, dtype: torch.dtype) -> UNet:
    """The UNet of `latentsync_unet.pt` on `device`. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    weights = _weights(folder / UNET, "state_dict")
    if not any("motion_modules" in name for name in weights):
        problem = f"{folder / UNET} has no motion modules: it is LatentSync 1.0."
        raise _refused("CHECKPOINT_INVALID", problem, "Use 1.5 or 1.6.")
    with torch.device("meta"):
        unet = UNet(config)
    return _filled(unet, weights, folder / UNET, device, dtype)


def load_encoder(folder: Path, device: torch.device) -> WhisperEncoder:
    """The audio encoder of `whisper/tiny.pt`, float32. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    path = folder / WHISPER
    weights = {name: w for name, w in _weights(path, "model_state_dict").items() if name.startswith("encoder.")}
    try:
        dims = AudioDims.of(_content(path)["dims"])
    except KeyError as error:
        raise _refused("CHECKPOINT_INVALID", f"{path} has no {error}.", "Use OpenAI's original tiny.pt.") from error
    with torch.device("meta"):
        encoder = WhisperEncoder(dims)
    return _filled(encoder, weights, path, device, torch.float32)


def load_vae(folder: Path, device: torch.device, dtype: torch.dtype) -> Vae:
    """The VAE in `vae/`. Raises FailedPreconditionError (CHECKPOINT_INVALID)."""
    from diffusers import AutoencoderKL

    try:
        model = AutoencoderKL.from_pretrained(folder / VAE, torch_dtype=dtype, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise _refused("CHECKPOINT_INVALID", f"{folder / VAE} is no diffusers VAE.", _PULL) from error
    return Vae(model.to(device, memory_format=torch.channels_last).eval().requires_grad_(False))


_PULL = "Pull the checkpoint with `vigent models pull`, or set the folder that holds it."


def _refused(reason: str, problem: str, remedy: str) -> FailedPreconditionError:
    return FailedPreconditionError(problem, remedy, "checkpoint", reason)


def _sha256(path: Path, hashed: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASH_CHUNK_BYTES):
            digest.update(piece)
            hashed(len(piece))
    return digest.hexdigest()


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # the unpickler raises whatever it stumbles over
        raise _refused("CHECKPOINT_INVALID", f"{path} cannot be read as weights.", _PULL) from error
    return content if isinstance(content, Mapping) else {}


def _weights(path: Path, entry: str) -> Mapping[str, Tensor]:
    content = _content(path)
    if entry not in content:
        raise _refused("CHECKPOINT_INVALID", f"{path} has no {entry!r}.", "Use the file as released.")
    weights: Mapping[str, Tensor] = content[entry]
    return weights


def _filled(
    module: Module, weights: Mapping[str, Tensor], path: Path, device: torch.device, dtype: torch.dtype
) -> Module:
    """Puts memory-mapped weights into a module without values; each is copied once, to its device and dtype."""
    own = module.state_dict()
    wrong = sorted(name for name in own if name not in weights or weights[name].shape != own[name].shape)
    if wrong:
        problem = f"{path} lacks {len(wrong)} of {len(own)} weights or has them in other shapes, such as {wrong[0]}."
        raise _refused("CHECKPOINT_INVALID", problem, "Use the checkpoint of the version that the manifest names.")
    module.load_state_dict({name: weights[name] for name in own}, assign=True)
    module.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module.eval().requires_grad_(False)
