"""Takes that say the wrong thing are spoken again with another seed.

With retakes on, a take is listened to while it is spoken, and lip-sync gets it once it is found right. That costs
little: a segment's first frame waits for the whole sentence in any case, because its captions need all of its words. A
lip-sync that started earlier would only have a head start, and would throw its work away with every wrong take.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import LISTENER, Mesh
from orchestrator.making.take import Take
from orchestrator.making.voice import MUTE, Voice
from orchestrator.making.words import transcribe
from orchestrator.settings import OrchestratorSettings
from services.base.errors import InvalidInputError, VigentError
from services.media.store import MediaStore, StoredFile, recipe_key
from services.text.normalise import normalise
from services.text.sentences import language_of, language_to_say
from vigent.jobs.v1 import jobs_pb2

UNFIT_TO_JUDGE = frozenset({"dtw", "pocketsphinx"})
"""Listening engines that find errors in every take: rates of 0.4 to 0.9 measured on good English of espeak-ng."""


@dataclass(frozen=True)
class Spoken:
    """The take of a sentence: which of `takes` it is best of, and how wrong it is (None: nobody could judge)."""

    take: Take
    stored: StoredFile
    takes: int = 1
    error_rate: float | None = None


class CheckedVoice:
    """Speaks the sentences of one job until the listener finds a take right, or keeps the least wrong one."""

    def __init__(
        self,
        voice: Voice,
        spec: jobs_pb2.JobSpec,
        asr_engine: str,
        store: MediaStore,
        mesh: Mesh,
        settings: OrchestratorSettings,
        policy: RetryPolicy,
        retaken: Callable[[], None],
    ) -> None:
        """`retaken` is called for every further take that is spoken."""
        self._voice, self._spec, self._asr_engine = voice, spec, asr_engine
        self._store, self._mesh, self._settings, self._policy = store, mesh, settings, policy
        self._retaken = retaken

    @property
    def checks(self) -> bool:
        """Whether takes are judged at all."""
        return self._settings.retakes > 0 and self._asr_engine.partition(" ")[0] not in UNFIT_TO_JUDGE

    async def speak(self, text: str) -> Spoken:
        """The best take of `text`. What was spoken or judged before is found, not made again.

        Raises InternalError (MUTE_TAKE) when no take has a sound.
        """
        spoken: list[Spoken] = []
        for takes in range(1, self._settings.retakes + 2):
            try:
                found = await self._judged(text, retake_seed(self._spec.seed, takes - 1), again=takes > 1)
            except ExceptionGroup as failed:
                if failed.split(_is_mute)[1] or (not spoken and takes > self._settings.retakes):
                    raise
                continue
            spoken.append(found)
            if found.error_rate is None or found.error_rate <= self._settings.retake_error_rate:
                break
        best = min(spoken, key=lambda take: take.error_rate or 0.0)
        return Spoken(best.take, best.stored, takes, best.error_rate)

    async def _judged(self, text: str, seed: int, *, again: bool) -> Spoken:
        if found := self._voice.recall(text, seed):
            take, stored = found
            return Spoken(take, stored, 1, await self._error_rate(text, take))
        if again:
            self._retaken()
        started: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            voice = group.create_task(self._voice.speak(text, started, seed))
            error_rate = group.create_task(self._listen(text, started))
        return Spoken(started.result(), voice.result(), 1, error_rate.result())

    async def _listen(self, text: str, started: asyncio.Future[Take]) -> float | None:
        return await self._error_rate(text, await started)

    async def _error_rate(self, text: str, take: Take) -> float | None:
        """How wrong a take is; heard while it is spoken, kept by what it is made of."""
        if take.closed and (stored := self._store.recall(self._key(text, take))):
            rate: float | None = json.loads(self._store.path(stored.sha256).read_bytes())
            return rate
        language = language_to_say(text, self._spec.language, self._spec.script) or language_of(text)
        heard = await self._heard(take, language)
        rate = None if heard is None else character_error_rate(normalise(text, language), normalise(heard, language))
        if rate is not None and take.cut:
            rate += 1.0
        self._store.remember(self._key(text, take), self._store.put_bytes(json.dumps(rate).encode()))
        return rate

    async def _heard(self, take: Take, language: str) -> str | None:
        """What the listener hears; None where it does not know the language."""

        async def attempt() -> str:
            with self._mesh.asr.least_busy() as stub:
                return await transcribe(stub, take, language, self._settings.call_deadline_s)

        try:
            return await self._policy.retried(attempt, self._mesh.asr.at(LISTENER))
        except InvalidInputError:
            return None

    def _key(self, text: str, take: Take) -> str:
        return recipe_key("error_rate", self._asr_engine, text, self._spec.language, take.sha256())


def _is_mute(error: BaseException) -> bool:
    return isinstance(error, VigentError) and error.reason == MUTE


def retake_seed(seed: int, attempt: int) -> int:
    """The seed of the nth further take; the first take has the job's own."""
    if attempt == 0:
        return seed
    return int.from_bytes(hashlib.sha256(f"{seed}/{attempt}".encode()).digest()[:8], "big") >> 1


def character_error_rate(said: str, heard: str) -> float:
    """Edits that turn `said` into `heard`, over the letters said; case, spaces and punctuation do not count."""
    wanted, got = ([char for char in text.casefold() if char.isalnum()] for text in (said, heard))
    if not wanted:
        return float(bool(got))
    row = list(range(len(got) + 1))
    for index, char in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], index
        for column, other in enumerate(got, start=1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (char != other)),
            )
    return row[-1] / len(wanted)
