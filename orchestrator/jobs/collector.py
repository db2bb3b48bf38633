"""Removes from the media store what nobody needs any more: found by what jobs and libraries name, and by its last use.

Needed is what the record of a job names (what it was ordered with, its outputs, its segments), what the job has made or
found on its way (`needs.py`), and what an entry of a library names. All else goes once it was not used for a grace
time, nor since the oldest job began that is still being made: what a job works with may be in no record yet. Whoever
begins to use a file keeps it (`services/media/storage/lifetimes.py`), so nothing is removed under the hands of anybody.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from orchestrator.jobs.durable import DurableEngine
from orchestrator.jobs.needs import Needs
from orchestrator.jobs.records import JobRecords
from orchestrator.jobs.room import DiskRoom
from orchestrator.settings import OrchestratorSettings
from services.base.errors import ExhaustedError, NotFoundError, UnavailableError, VigentError
from services.media.storage.inventory import ABANDONED_S, Entry, Kind, names_in
from services.media.storage.lifetimes import CLOCK_S
from services.media.store import MediaStore

_LOG = logging.getLogger(__name__)
_BEFORE_A_JOB_S = 60.0
"""How long before the start of a job its pieces may count as used: the clocks of two machines differ."""
_HURRIED_GRACE_S = 600.0
"""Without room on the disk: long enough for an upload to become a job."""
SHARED_GRACE_S = 7200.0
"""The least on object storage, where what is used is marked once an hour."""
_PAUSE_S, _FIRST_S = 30.0, 300.0
ROWS = "records of deleted jobs"
_WORDS = {
    Kind.CONTENT: "files that no job and no library needs",
    Kind.KEY: "recipes of such files",
    Kind.HALF_WRITTEN: "interrupted uploads and half-made files",
    Kind.DAMAGED: "damaged files that were set aside",
}


@dataclass(frozen=True)
class Cleaned:
    """A kind of thing that was removed, or would be: in words, how many, and their bytes."""

    what: str
    count: int
    size_bytes: int


class Collector:
    """The one who removes, in this process: asked by people, by the clock, by a deleted job, and by a full disk."""

    def __init__(
        self,
        records: JobRecords,
        engine: DurableEngine,
        store: MediaStore,
        room: DiskRoom,
        settings: OrchestratorSettings,
    ) -> None:
        self._records, self._engine, self._store, self._room, self._settings = records, engine, store, room, settings
        self._one_at_a_time = asyncio.Lock()
        self._freed, self._deleted = set[str](), asyncio.Event()
        self._hurried_s = float("-inf")

    async def clean(
        self, grace_s: float | None = None, *, finished_pieces: bool = False, dry_run: bool = False
    ) -> list[Cleaned]:
        """Removes what is not needed and was not used for `grace_s`; also, if asked, the pieces of finished films.

        Raises UnavailableError when database or store are away: then nothing is known not to be needed.
        """
        async with self._one_at_a_time:
            known = await self._engine.jobs()  # before the records: each job is recorded before it gets there
            now_s = time.time()
            entries = await asyncio.to_thread(lambda: list(self._store.entries()))
            needs = await self._records.needs(of_finished=not finished_pieces)
            grace_s = self._settings.clean_grace_s if grace_s is None else grace_s
            old = self._old(now_s, max(grace_s, self._settings.clean_settle_s), needs)
            cleaned = await asyncio.to_thread(self._remove, entries, needs, old, dry_run=dry_run)
            strange = known - needs.jobs
            for job_id in [] if dry_run else strange:
                await self._engine.forget(job_id)
        return cleaned + ([Cleaned(ROWS, len(strange), 0)] if strange else [])

    async def delete(self, job_id: str) -> None:
        """Forgets an ended job; soon after its own files are gone. Raises NotFoundError, FailedPreconditionError."""
        self._freed |= await self._records.delete(job_id)
        self._deleted.set()
        try:
            await self._engine.forget(job_id)
        except UnavailableError as error:  # the next removal finds it
            _LOG.warning("the steps of job %s are not removed yet: %s", job_id, error)

    async def require_room(self, more_bytes: int = 0) -> None:
        """Raises what `DiskRoom.require` raises, when nothing could be removed to make room."""
        try:
            await self._require(more_bytes)
        except ExhaustedError:
            await self._hurry(more_bytes)
            await self._require(more_bytes)

    async def keep_cleaning(self) -> None:
        """Cleans now and then, and after jobs are deleted. Never ends; what goes wrong is logged and tried again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_freeing())
            if self._settings.clean_interval_s:
                group.create_task(self._keep_to_the_clock(self._settings.clean_interval_s))

    async def _keep_to_the_clock(self, interval_s: float) -> NoReturn:
        await asyncio.sleep(min(interval_s, _FIRST_S))  # also where nothing runs for an hour
        while True:
            await self._logged()
            await asyncio.sleep(interval_s)

    async def _keep_freeing(self) -> NoReturn:
        while True:
            await self._deleted.wait()
            self._deleted.clear()
            freed, self._freed, deleted_s = self._freed, set(), time.time()
            await asyncio.sleep(self._settings.clean_settle_s)
            try:
                await self._free(freed, deleted_s)
            except VigentError as error:  # the next removal by the clock finds them
                _LOG.warning("files of deleted jobs are not removed yet: %s", error)

    async def _free(self, names: set[str], deleted_s: float) -> None:
        """Whoever had named one of these before has its job by now; whoever has named one since has used it."""
        async with self._one_at_a_time:
            needs = await self._records.needs()
            found = await asyncio.to_thread(self._store.contents, names)
            await asyncio.to_thread(self._remove, found, needs, self._old(deleted_s, 0.0, needs))

    async def _require(self, more_bytes: int) -> None:
        await asyncio.to_thread(self._room.require, more_bytes)

    async def _hurry(self, more_bytes: int) -> None:
        """First what nobody needs, then the pieces of finished films; not again at once."""
        if time.monotonic() - self._hurried_s < _PAUSE_S:
            return
        self._hurried_s = time.monotonic()
        for finished_pieces in (False, True):
            await self._logged(min(_HURRIED_GRACE_S, self._settings.clean_grace_s), finished_pieces=finished_pieces)
            with suppress(ExhaustedError):
                await self._require(more_bytes)
                return

    async def _logged(self, grace_s: float | None = None, *, finished_pieces: bool = False) -> None:
        try:
            for kind in await self.clean(grace_s, finished_pieces=finished_pieces):
                _LOG.info("removed %d %s, %.1f MB", kind.count, kind.what, kind.size_bytes / 1e6)
        except VigentError as error:
            _LOG.warning("nothing is removed now: %s", error)
        except Exception:
            _LOG.exception("nothing is removed now")

    def _remove(self, entries: Iterable[Entry], needs: Needs, old: _Old, *, dry_run: bool = False) -> list[Cleaned]:
        needed, found = self._needed(needs), _by_kind(entries)
        kept_keys, keys = self._sorted_keys(found[Kind.KEY], needed, old)
        found[Kind.KEY] = keys
        needed |= kept_keys
        if self._store.shared_storage:  # it has no locks: who finds the key just now keeps its content by that
            needed |= {self._store.key_content(key.name) for key in keys}
        found[Kind.CONTENT] = [entry for entry in found[Kind.CONTENT] if entry.name not in needed]
        cleaned = [self._removed(kind, found[kind], old.before_s(kind), dry_run=dry_run) for kind in found]
        return [kind for kind in cleaned if kind.count]

    def _old(self, now_s: float, grace_s: float, needs: Needs) -> _Old:
        least_s = SHARED_GRACE_S if self._store.shared_storage else 0.0
        return _Old(now_s, max(least_s, grace_s), needs.began_s)

    def _removed(self, kind: Kind, entries: Iterable[Entry], before_s: float, *, dry_run: bool) -> Cleaned:
        old = [entry for entry in entries if entry.used_s < before_s]
        gone = [entry.size_bytes for entry in old if self._store.remove(entry, before_s, dry_run=dry_run)]
        return Cleaned(_WORDS[kind], len(gone), sum(gone))

    def _needed(self, needs: Needs) -> set[str]:
        """What jobs and libraries name, what recipes among that have made, and the fonts of styles."""
        named = self._store.named_by_libraries()
        needed = needs.content | named | set(map(self._store.key_content, named))
        for style in needs.styles:
            with suppress(NotFoundError):
                needed |= names_in(self._store.path(style).read_text(encoding="utf-8", errors="replace"))
        return needed

    def _sorted_keys(self, keys: Iterable[Entry], needed: set[str], old: _Old) -> tuple[set[str], list[Entry]]:
        """What the recipes have made that are kept as used, and the recipes that are not kept."""
        strange = [entry for entry in keys if entry.name not in needed]  # what is needed is so with what it made
        used = [entry.name for entry in strange if entry.used_s >= old.before_s(Kind.KEY)]
        kept = set(map(self._store.key_content, used))
        return kept, [entry for entry in strange if entry.used_s < old.before_s(Kind.KEY)]


@dataclass(frozen=True)
class _Old:
    """Since when what goes has not been used: for a grace time, nor by a job that is being made."""

    now_s: float
    grace_s: float
    began_s: float | None

    def before_s(self, kind: Kind) -> float:
        if kind is Kind.HALF_WRITTEN:  # those of the living are held
            return self.now_s - min(self.grace_s, ABANDONED_S)
        unused_s = self.now_s - self.grace_s
        return min(unused_s, (self.began_s or unused_s) - (_BEFORE_A_JOB_S if self.began_s else 0.0)) - CLOCK_S


def _by_kind(entries: Iterable[Entry]) -> defaultdict[Kind, list[Entry]]:
    found = defaultdict[Kind, list[Entry]](list)
    for entry in entries:
        found[entry.kind].append(entry)
    return found
