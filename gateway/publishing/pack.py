"""All that is needed to publish a film on a platform by hand, in one zip."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore

from gateway.publishing.checklist import Language, checklist
from gateway.publishing.platforms import CoverSize, Platform
from gateway.publishing.records import Draft
from gateway.publishing.rules import FILM, Film, rules
from gateway.publishing.texts import Texts, described
from services.base.errors import ExhaustedError
from services.media.confinement.task import Limits
from services.media.sandbox import run_limited
from services.media.store import MediaStore, StoredFile, recipe_key
from vigent.jobs.v1 import jobs_pb2

_COVER, _CAPTIONS = "cover.jpg", ("captions.srt", "captions.vtt")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say: the same pack has the same bytes
_WAIT_S = 30.0  # for the covers and packs that others asked for
_VERSION = 1  # raise it when covers or films of packs must be made again


@dataclass(frozen=True)
class Work:
    """A finished job, and what it is to be published with."""

    job: jobs_pb2.Job
    draft: Draft

    @property
    def film(self) -> Film:
        """What counts of its film."""
        return Film.of(self.job)


class Packer:
    """Makes covers and packs, at most `at_once` at a time. Everything here blocks; call it in a thread."""

    def __init__(self, store: MediaStore, at_once: int, longest_s: float) -> None:
        self._store, self._slots = store, BoundedSemaphore(at_once)
        self._limits = Limits(wall_s=longest_s, cpu_s=round(4 * longest_s))

    def cover(self, work: Work, size: CoverSize) -> StoredFile:
        """The cover in a size, made once. Raises InvalidInputError (field "cover_frame"), ExhaustedError."""
        with self._slot():
            return self._cover(work, size)

    @contextmanager
    def pack(self, work: Work, platform: Platform, language: Language) -> Iterator[Path]:
        """The zip, under a name that is gone afterwards. Raises as `cover` does."""
        with self._slot(), self._store.temporary() as target:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as pack:
                for name, content in self._members(work, platform, language):
                    _add(pack, name, content)
            yield target

    def film(self, work: Work, platform: Platform) -> Path:
        """The film as the platform takes it. Raises as `cover` does."""
        with self._slot():
            return self._film(work, platform)

    def _members(self, work: Work, platform: Platform, language: Language) -> Iterator[tuple[str, Path | str]]:
        texts, sizes = work.draft.texts_for(platform.id), platform.covers
        covers = {f"cover-{size.width}x{size.height}.jpg": self._cover(work, size) for size in sizes}
        yield FILM, self._film(work, platform)
        yield from ((name, self._store.path(stored.sha256)) for name, stored in covers.items())
        yield "texts.txt", _pasted(texts, platform)
        for name in _CAPTIONS:
            if name in work.job.outputs:
                yield name, self._store.path(work.job.outputs[name].sha256)
        yield "checklist.txt", checklist(platform, rules(platform, work.film, texts), list(covers), FILM, language)

    def _cover(self, work: Work, size: CoverSize) -> StoredFile:
        frame = work.draft.cover_frame
        source = work.job.outputs[_COVER if frame is None else FILM].sha256
        key = recipe_key("cover", _VERSION, source, frame, size.width, size.height)
        if (known := self._store.recall(key)) is not None:
            return known
        arguments = (self._store.path(source), frame, size.width, size.height)
        with self._store.temporary() as target:
            self._make("services.media.still:write_cover", (*arguments, target), arguments[0], target)
            return self._kept(key, target, "image/jpeg")

    def _film(self, work: Work, platform: Platform) -> Path:
        """The film itself where it fits the platform, else made smaller."""
        source, side = work.job.outputs[FILM].sha256, platform.most_short_side_px
        if side is None or min(work.film.width, work.film.height) <= side:
            return self._store.path(source)
        key = recipe_key("refit", _VERSION, source, side)
        if (known := self._store.recall(key)) is None:
            with self._store.temporary() as target:
                film = self._store.path(source)
                self._make("services.media.framing.refit:refit", (film, target, side), film, target)
                known = self._kept(key, target, "video/mp4")
        return self._store.path(known.sha256)

    def _make(self, function: str, arguments: tuple[object, ...], source: Path, target: Path) -> None:
        run_limited(function, *arguments, returns=int, reads=(source,), writes=(target,), limits=self._limits)

    def _kept(self, key: str, target: Path, mime_type: str) -> StoredFile:
        stored = self._store.adopt(target, mime_type)
        self._store.remember(key, stored)
        return stored

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=_WAIT_S):
            problem = "Too many packs are being made."
            raise ExhaustedError(problem, "Try again soon.", reason="TOO_MANY_PACKS", retry_after_s=5.0)
        try:
            yield
        finally:
            self._slots.release()


def _pasted(texts: Texts, platform: Platform) -> str:
    """Title, description and tags as they are pasted, with an empty line between."""
    title = [texts.title.strip()] if platform.title is not None else []
    tags = [",".join(texts.tags)] if platform.tags.place == "field" else []
    return "\n\n".join(filter(None, [*title, described(texts, platform), *tags])) + "\n"


def _add(pack: zipfile.ZipFile, name: str, content: Path | str) -> None:
    member = zipfile.ZipInfo(name, _EPOCH)
    member.external_attr = 0o644 << 16
    if isinstance(content, str):
        pack.writestr(member, content)
        return
    member.file_size = content.stat().st_size
    with content.open("rb") as source, pack.open(member, "w") as target:
        while data := source.read(1 << 20):
            target.write(data)
