"""What a film would still need before it is ordered: which of its sentences were spoken already, for whatever film."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from orchestrator.making.making import Making
from orchestrator.making.plan import FilmPlan
from orchestrator.making.readings import sentences_of
from orchestrator.making.reference import make_reference
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import Servers
from orchestrator.making.voice import Voice
from orchestrator.settings import OrchestratorSettings
from services.media.store import MediaStore, StoredFile
from services.text.notation.dictionary import Dictionary
from services.text.sentences import Sentence
from vigent.jobs.v1 import jobs_pb2


class Forecaster:
    """Looks for the pieces of films that are not ordered yet, by the keys under which the film would look for them."""

    def __init__(self, settings: OrchestratorSettings, store: MediaStore, servers: Servers) -> None:
        self._settings, self._store, self._servers = settings, store, servers
        self._policy = RetryPolicy(settings.attempts)
        self._dictionary = Dictionary.of(settings.pronunciations, "pronunciations")

    async def forecast(self, spec: jobs_pb2.JobSpec) -> list[jobs_pb2.SentenceForecast]:
        """The sentences of `spec`, as completed by `complete_spec`. Raises InvalidInputError for one without words."""
        plan = await self._plan(spec)
        voice = Voice(self._making(spec, plan))
        return await asyncio.to_thread(_forecast, plan.sentences, voice)

    async def _plan(self, spec: jobs_pb2.JobSpec) -> FilmPlan:
        """As much of the plan as voices depend on."""
        sentences = sentences_of(spec, self._dictionary)
        engines = await self._servers.engines(self._policy)
        reference = await make_reference(spec, engines["asr"], self._store, self._servers)
        return FilmPlan(
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

    def _making(self, spec: jobs_pb2.JobSpec, plan: FilmPlan) -> Making:
        return Making("", spec, plan, self._store, self._servers, self._settings, self._policy, lambda: None)


def _forecast(sentences: Sequence[Sentence], voice: Voice) -> list[jobs_pb2.SentenceForecast]:
    return [
        jobs_pb2.SentenceForecast(text=sentence.text, char_start=sentence.char_start, spoken=voice.kept(sentence))
        for sentence in sentences
    ]
