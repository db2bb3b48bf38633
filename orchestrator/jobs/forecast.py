"""What a film would still need before it is ordered, and single sentences of it spoken ahead, to be chosen among.

Both use the keys under which the film itself would look for its pieces.
"""

from __future__ import annotations

import asyncio

from orchestrator.making.making import Making
from orchestrator.making.plan import FilmPlan, check_voices
from orchestrator.making.readings import sentences_of
from orchestrator.making.reference import make_reference
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import VOICE, Servers
from orchestrator.making.take import Take
from orchestrator.making.voice import Voice
from orchestrator.settings import OrchestratorSettings
from services.base.errors import InvalidInputError
from services.media.store import MediaStore, StoredFile
from services.text.notation.dictionary import Dictionary
from vigent.jobs.v1 import jobs_pb2

TAKES_TOLD = 20
_SPOKEN_AT_ONCE = 2


class Forecaster:
    """Looks for the pieces of films that are not ordered yet, and speaks sentences of them, a few at a time."""

    def __init__(self, settings: OrchestratorSettings, store: MediaStore, servers: Servers) -> None:
        self._settings, self._store, self._servers = settings, store, servers
        self._policy = RetryPolicy(settings.attempts)
        self._dictionary = Dictionary.of(settings.pronunciations, "pronunciations")
        self._places = asyncio.Semaphore(_SPOKEN_AT_ONCE)

    async def forecast(self, spec: jobs_pb2.JobSpec, takes_of: int | None = None) -> jobs_pb2.ForecastJobResponse:
        """The sentences of `spec`, as completed by `complete_spec`, and the kept takes of segment `takes_of`.

        Raises InvalidInputError for a script without words, and for a segment that it does not have.
        """
        making = await self._making(spec)
        if takes_of is not None:
            _check_segment(making, takes_of, "takes_of")
        return await asyncio.to_thread(_forecast, making, takes_of)

    async def speak(self, spec: jobs_pb2.JobSpec, segment: int) -> StoredFile:
        """The voice of one sentence as the film of `spec` would have it: a WAV file in the media store.

        Raises InvalidInputError as `forecast` does, and for an unknown voice.
        """
        making = await self._making(spec)
        _check_segment(making, segment, "segment")
        await self._policy.retried(lambda: check_voices(spec, self._servers), self._servers.tts.at(VOICE))
        started: asyncio.Future[Take] = asyncio.get_running_loop().create_future()
        async with self._places:
            return (await Voice(making).speak(segment, started)).stored

    async def _making(self, spec: jobs_pb2.JobSpec) -> Making:
        """As much of the plan as voices depend on."""
        sentences = sentences_of(spec, self._dictionary)
        engines = await self._servers.engines(self._policy)
        reference = await make_reference(spec, engines["asr"], self._store, self._servers)
        plan = FilmPlan(
            sentences=sentences,
            footage=StoredFile("", 0),
            footage_frames=0,
            frames_without_face=0,
            mouth=None,
            face=None,
            problems=(),
            engines=engines,
            reference=reference,
        )
        return Making("", spec, plan, self._store, self._servers, self._settings, self._policy, lambda: None)


def _check_segment(making: Making, segment: int, field: str) -> None:
    if not 0 <= segment < (count := len(making.plan.sentences)):
        raise InvalidInputError(f"There is no segment {segment}.", f"Give 0 to {count - 1}.", field)


def _forecast(making: Making, takes_of: int | None) -> jobs_pb2.ForecastJobResponse:
    voice = Voice(making)
    sentences = [
        jobs_pb2.SentenceForecast(
            text=sentence.text,
            char_start=sentence.char_start,
            spoken=voice.kept(making.choice(index)) is not None,
        )
        for index, sentence in enumerate(making.plan.sentences)
    ]
    takes = [] if takes_of is None else _kept_takes(voice, making.choice(takes_of))
    return jobs_pb2.ForecastJobResponse(sentences=sentences, takes=takes)


def _kept_takes(voice: Voice, choice: jobs_pb2.SegmentChoice) -> list[int]:
    """Of those that sound alike, the first."""
    takes: dict[str, int] = {}
    for take in range(TAKES_TOLD):
        one = jobs_pb2.SegmentChoice(segment=choice.segment, voice=choice.voice, take=take)
        if (kept := voice.kept(one)) is not None:
            takes.setdefault(kept.sha256, take)
    return list(takes.values())
