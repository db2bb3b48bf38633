"""The voice of a segment: spoken, judged by a listener that is able to, and kept by the hash of all that made it.

A take that says something else is spoken again with another seed. With such retakes on, each take is transcribed while
it is spoken, and lip-sync gets it only once it is found right. That costs little: a segment's first frame waits for the
whole sentence in any case, because its captions need all of its words. A lip-sync that started earlier would gain a
head start at best, and its work would be lost with every wrong take.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass

from orchestrator.making.judge import Judge
from orchestrator.making.making import Making
from orchestrator.making.servers import CALL_TIMEOUT_S, VOICE
from orchestrator.making.take import SAMPLE_BYTES, Take
from services.base.client import remote_errors
from services.base.errors import InternalError, VigentError
from services.base.tracing.spans import present
from services.media.store import StoredFile, recipe_key
from services.text.pronunciation_messages import pause_messages, pronunciation_messages
from vigent.jobs.v1 import jobs_pb2
from vigent.tts.v1 import tts_pb2

_MUTE = "MUTE_TAKE"
"""Reason of the error for a take without sound, which voice models make now and then."""


@dataclass(frozen=True)
class Spoken:
    """The best of `takes` takes of a sentence, and its error rate by `judge` (None: nobody could judge)."""

    take: Take
    stored: StoredFile
    takes: int = 1
    error_rate: float | None = None


class Voice:
    """Speaks the sentences of one film."""

    def __init__(self, making: Making) -> None:
        self._making, self._store = making, making.store
        self._judge = Judge(making)

    async def speak(self, index: int, started: asyncio.Future[Take]) -> Spoken:
        """The best take of a segment's sentence. Whatever was spoken or judged before is found, not made again.

        `started` gets the take as early as possible: when it is found right where takes are judged, else when a server
        accepts. Raises InternalError (MUTE_TAKE) when no take has a sound.
        """
        choice = self._making.choice(index)
        if self._judge.able:
            spoken = await self._best_take(choice)
            started.set_result(spoken.take)
            return spoken
        stored = await self._take(choice, 0, started)
        return Spoken(started.result(), stored)

    def kept(self, choice: jobs_pb2.SegmentChoice) -> StoredFile | None:
        """The first take of a segment as it is chosen, if it was spoken before: it is not spoken again. Blocks."""
        return self._store.recall(self._key(self._request(choice, 0)))

    async def _best_take(self, choice: jobs_pb2.SegmentChoice) -> Spoken:
        """The first take that is found right, else the least wrong one."""
        settings = self._making.settings
        spoken: list[Spoken] = []
        for takes in range(1, settings.retakes + 2):
            try:
                judged = await self._judged_take(choice, takes - 1)
            except ExceptionGroup as failed:
                if failed.split(_is_mute)[1] or (not spoken and takes > settings.retakes):
                    raise
                continue
            spoken.append(judged)
            if judged.error_rate is None or judged.error_rate <= settings.retake_error_rate:
                break
        best = min(spoken, key=lambda take: take.error_rate or 0.0)
        return Spoken(best.take, best.stored, takes, best.error_rate)

    async def _judged_take(self, choice: jobs_pb2.SegmentChoice, attempt: int) -> Spoken:
        started: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
        sentence = self._making.plan.sentences[choice.segment]
        async with asyncio.TaskGroup() as group:
            stored = group.create_task(self._take(choice, attempt, started))
            error_rate = group.create_task(self._judge.error_rate(sentence, started))
        return Spoken(started.result(), stored.result(), 1, error_rate.result())

    async def _take(self, choice: jobs_pb2.SegmentChoice, attempt: int, started: asyncio.Future[Take]) -> StoredFile:
        """Finds the take that was kept, else speaks it and keeps it when it is whole.

        When the server goes away, another attempt goes on where the take ends: the same request gives the same samples.
        """
        request = self._request(choice, attempt)
        if kept := await asyncio.to_thread(self._store.recall_bytes, self._key(request)):
            started.set_result(Take.from_wav(kept[1]))
            return kept[0]
        if attempt:
            self._making.retaken()
        policy = self._making.policy
        await policy.retried(lambda: self._attempt(request, started), self._making.servers.tts.at(VOICE))
        take = started.result()
        take.close(self._making.settings.sentence_pause_s)  # once, whatever becomes of storing it
        return await policy.retried(lambda: self._keep(request, take), "the media store")

    async def _attempt(self, request: tts_pb2.SynthesizeRequest, started: asyncio.Future[Take]) -> None:
        with self._making.servers.tts.least_busy() as stub, remote_errors():
            async for response in stub.Synthesize(request, timeout=CALL_TIMEOUT_S, metadata=present().metadata):
                match response.WhichOneof("event"):
                    case "accepted" if not started.done():
                        started.set_result(Take(response.accepted.format.sample_rate_hz))
                    case "audio":
                        known = started.result().samples - response.audio.first_sample
                        started.result().append(response.audio.data[known * SAMPLE_BYTES :])
                    case "done":
                        _check_whole(started.result(), response.done)
                        started.result().cut = response.done.finish_reason == tts_pb2.FINISH_REASON_LENGTH_CAP
                        return
        raise InternalError("The voice ended before it was done.", "Try again.")

    async def _keep(self, request: tts_pb2.SynthesizeRequest, take: Take) -> StoredFile:
        return await asyncio.to_thread(self._store.remember_bytes, self._key(request), take.wav(), "audio/wav")

    def _key(self, request: tts_pb2.SynthesizeRequest) -> str:
        asked = request.SerializeToString(deterministic=True)
        return recipe_key(
            "voice", self._making.plan.engines["tts"].identity, asked, self._making.settings.sentence_pause_s
        )

    def _request(self, choice: jobs_pb2.SegmentChoice, attempt: int) -> tts_pb2.SynthesizeRequest:
        spec, sentence = self._making.spec, self._making.plan.sentences[choice.segment]
        cloned = bool(spec.reference_audio.sha256) and not choice.voice
        reference = self._making.plan.reference if cloned else None
        return tts_pb2.SynthesizeRequest(
            text=sentence.text,
            language=self._making.language_to_say(sentence.text),
            voice=choice.voice or spec.voice,
            seed=retake_seed(take_seed(spec.seed, choice.take), attempt),
            speed=spec.speed,
            reference_audio=spec.reference_audio if cloned else None,
            reference_text=reference.text if reference else "",
            pronunciations=pronunciation_messages(sentence.pronunciations),
            pauses=pause_messages(sentence.pauses),
        )


def take_seed(seed: int, take: int) -> int:
    """The seed of a take that people may choose; take 0 has the film's own."""
    return _derived(seed, f"take {take}") if take else seed


def retake_seed(seed: int, attempt: int) -> int:
    """The seed of the nth further attempt at a take that was found wrong; the first has the take's own."""
    return _derived(seed, str(attempt)) if attempt else seed


def _derived(seed: int, what: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{what}".encode()).digest()[:8], "big") >> 1


def _check_whole(take: Take, done: tts_pb2.SynthesizeDone) -> None:
    if not done.samples:
        raise InternalError("The voice said nothing.", "Try another seed, or write the sentence anew.", reason=_MUTE)
    if take.sha256() != done.sha256:
        problem = f"The voice sent {take.samples} samples that are not the {done.samples} it made."
        raise InternalError(problem, "Retry the job.")


def _is_mute(error: BaseException) -> bool:
    return isinstance(error, VigentError) and error.reason == _MUTE
