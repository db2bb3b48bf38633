"""Where `vigent make` puts its files: never over an input of the film, nor over a file that is not its own.

A file is its own while the content is what `make` last put there, as noted in the media store. A file that has been
changed since, or was never written from this data folder, belongs to the user.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.fields import shortened
from services.base.errors import FailedPreconditionError, InvalidInputError
from services.base.private import as_usual
from services.enginekit.checkpoints import sha256_of
from services.media.storage.opening import open_store
from services.media.store import MediaStore, StoredFile, recipe_key
from vigent.media.v1 import media_pb2

_FILM = "film.mp4"
_BESIDE = {
    "captions.srt": ".srt",
    "captions.vtt": ".vtt",
    "captions.ass": ".ass",
    "cover.jpg": ".jpg",
    "report.json": ".report.json",
}
_TEMPORARY = ".vigent-"  # short: a name that includes the target's could exceed the file system's limit
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REMEDY = "Choose another --out, move it away, or replace it with --overwrite."


def film_file(out_file: Path | None, script: str) -> Path:
    """Where the film goes. Raises InvalidInputError when it cannot be written there."""
    film = out_file or Path(f"{stem}.mp4" if (stem := Path(script).stem) and script != "-" else _FILM)
    if film.suffix.lower() != ".mp4":
        problem = f"{_quoted(film)} is not the name of a film file."
        raise InvalidInputError(problem, "Give a name that ends in .mp4.", "--out")
    missing = [folder for folder in (film.parent, *film.parent.parents) if not os.path.lexists(folder)]
    try:
        with as_usual():
            film.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=film.parent, prefix=_TEMPORARY):
            return film
    except OSError as error:
        raise _unwritable(film, error) from error
    finally:
        for folder in missing:  # until there is a film to be put there
            with suppress(OSError):
                folder.rmdir()


@dataclass(frozen=True)
class Outputs:
    """The film and the files that go with it.

    `inputs` is what was given to each argument that may name a file, "-" for standard input. `overwrite` allows files
    to be replaced that are not our own, but never an input, nor anything but an ordinary writable file.
    """

    film: Path
    inputs: Mapping[str, str | Path | None]
    overwrite: bool = False

    @property
    def paths(self) -> dict[str, Path]:
        """Where each output of a job goes."""
        return {_FILM: self.film} | {name: self.film.with_suffix(suffix) for name, suffix in _BESIDE.items()}

    def check(self, media_root: Path) -> None:
        """Raises InvalidInputError where one of the files may not be written. Leaves no trace."""
        try:
            self._check(self.paths.values(), media_root)
        except OSError as error:
            raise _unwritable(self.film, error) from error

    def place(self, made: Mapping[str, media_pb2.MediaRef], store: MediaStore) -> None:
        """Puts copies of what was made in place, each whole or not at all.

        Raises FailedPreconditionError, also for a file that has appeared or changed since `check`.
        """
        try:
            self._place(made, store)
        except InvalidInputError as error:
            problem = f"The film is finished, but {error.problem}"
            remedy = f"{error.remedy} The finished film is reused."
            raise FailedPreconditionError(problem, remedy, error.field, error.reason) from error
        except OSError as error:
            problem = f"The film is finished, but cannot be written to {_quoted(self.film)}: {error.strerror}."
            remedy = "Choose another --out; the finished film is reused."
            raise FailedPreconditionError(problem, remedy, "--out") from error

    def _place(self, made: Mapping[str, media_pb2.MediaRef], store: MediaStore) -> None:
        self.film.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as copies:
            whole = {name: copies.enter_context(_copy(store.path(made[name].sha256), self.film)) for name in self.paths}
            self._check(self.paths.values(), store.root)
            for name, path in self.paths.items():
                self._check([path], store.root)  # again, at the last moment: it may have appeared meanwhile
                whole[name].replace(path)
                store.note(_key(path), StoredFile(made[name].sha256, made[name].size_bytes))

    def _check(self, paths: Iterable[Path], media_root: Path) -> None:
        there = [path for path in paths if _is_there(path)]
        for path in there:
            self._check_no_input(path)
            _check_ordinary(path)
        strange = [] if self.overwrite else [_quoted(path) for path in there if not _is_own(path, media_root)]
        if strange:
            problem = "already exists, and Vigent did not make it or it has changed since."
            if len(strange) > 1:
                problem = "already exist, and Vigent did not make them or they have changed since."
            raise InvalidInputError(f"{', '.join(strange)} {problem}", _REMEDY, "--out", "OUTPUT_EXISTS")

    def _check_no_input(self, path: Path) -> None:
        for option, given in self.inputs.items():
            if given is not None and _is_same(path, given):
                problem = f"{_quoted(path)} would be overwritten, but it is the file given as {option}."
                remedy = "Choose another --out; inputs of a film are never overwritten."
                raise InvalidInputError(problem, remedy, "--out", "OUTPUT_IS_INPUT")


def _is_there(path: Path) -> bool:
    with suppress(FileNotFoundError):  # os.path.lexists treats every error as absence
        path.lstat()
        return True
    return False


def _is_same(path: Path, given: str | Path) -> bool:
    """Whether both are the same file, whatever their names; False if `given` is an id or names no file."""
    with suppress(OSError):
        return os.path.samestat(path.stat(), os.stat(0 if str(given) == "-" else given))  # noqa: PTH116 - 0 is no path
    return False


def _check_ordinary(path: Path) -> None:
    """Raises InvalidInputError unless it is an ordinary writable file, even for root, who could write others."""
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a link" if stat.S_ISLNK(mode) else "not an ordinary file"
        problem = f"{_quoted(path)} cannot be written: it is {kind}."
    elif not mode & _WRITABLE or not os.access(path, os.W_OK):
        problem = f"{_quoted(path)} cannot be written: it is read-only."
    else:
        return
    raise InvalidInputError(problem, "Choose another --out, or move it away.", "--out", "OUTPUT_UNWRITABLE")


def _is_own(path: Path, media_root: Path) -> bool:
    """Whether the content is still what was put there last."""
    if not media_root.is_dir():
        return False
    store, key = open_store(media_root), _key(path)
    known = store.noted(key) or store.recall(key)  # an older version remembered it as a piece
    return known is not None and sha256_of(path) == known.sha256


def _key(path: Path) -> str:
    return recipe_key("put in place", str(path.parent.resolve() / path.name))


@contextmanager
def _copy(source: Path, film: Path) -> Iterator[Path]:
    """A durable copy in the film's folder, under a temporary name that is gone at the end."""
    with tempfile.NamedTemporaryFile(dir=film.parent, prefix=_TEMPORARY, delete=False) as file:
        whole = Path(file.name)
        try:
            shutil.copyfile(source, whole)
            os.fsync(file.fileno())
            whole.chmod(0o644)
            yield whole
        finally:
            whole.unlink(missing_ok=True)


def _unwritable(film: Path, error: OSError) -> InvalidInputError:
    return InvalidInputError(f"{_quoted(film)} cannot be written: {error.strerror}.", "Choose another --out.", "--out")


def _quoted(path: Path) -> str:
    return shortened(str(path), 200)
