"""The voice of a segment: spoken once, kept by the hash of everything that made it."""

from __future__ import annotations

import asyncio

from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import VOICE, Mesh
from orchestrator.making.take import SAMPLE_BYTES, Take
from orchestrator.settings import OrchestratorSettings
from services.base.client import remote_errors
from services.base.errors import InternalError
from services.media.store import MediaStore, StoredFile, recipe_key
from services.text.sentences import language_to_say
from vigent.jobs.v1 import jobs_pb2
from vigent.tts.v1 import tts_pb2

MUTE = "MUTE_TAKE"
"""Reason of the error of a take without sound, as a voice model sometimes makes one."""


class Voice:
    """Speaks the sentences of one job."""

    def __init__(
        self,
        spec: jobs_pb2.JobSpec,
        engine: str,
        store: MediaStore,
        mesh: Mesh,
        settings: OrchestratorSettings,
        policy: RetryPolicy,
    ) -> None:
        self._spec, self._engine, self._store, self._mesh = spec, engine, store, mesh
        self._settings, self._policy = settings, policy

    def recall(self, text: str, seed: int | None = None) -> tuple[Take, StoredFile] | None:
        """The finished take of `text`, if it was spoken before; `seed` is the job's where it is None."""
        stored = self._store.recall(self._key(self._request(text, seed)))
        if stored is None:
            return None
        return Take.from_wav(self._store.path(stored.sha256).read_bytes()), stored

    async def speak(self, text: str, started: asyncio.Future[Take], seed: int | None = None) -> StoredFile:
        """Speaks `text` into a take that `started` gets as soon as a server accepts, and keeps it when whole.

        When the server goes away, another attempt goes on where the take ends: the same request gives the same samples.
        Raises InternalError (MUTE_TAKE) for a take without a sample.
        """
        request = self._request(text, seed)
        return await self._policy.retried(lambda: self._attempt(request, started), self._mesh.tts.at(VOICE))

    async def _attempt(self, request: tts_pb2.SynthesizeRequest, started: asyncio.Future[Take]) -> StoredFile:
        with self._mesh.tts.least_busy() as stub, remote_errors():
            async for response in stub.Synthesize(request, timeout=self._settings.call_deadline_s):
                match response.WhichOneof("event"):
                    case "accepted" if not started.done():
                        started.set_result(Take(response.accepted.format.sample_rate_hz))
                    case "audio":
                        known = started.result().samples - response.audio.first_sample
                        started.result().append(response.audio.data[known * SAMPLE_BYTES :])
                    case "done":
                        _check_whole(started.result(), response.done)
                        started.result().cut = response.done.finish_reason == tts_pb2.FINISH_REASON_LENGTH_CAP
                        return self._keep(request, started.result())
        raise InternalError("The voice ended before it was done.", "Try again.")

    def _keep(self, request: tts_pb2.SynthesizeRequest, take: Take) -> StoredFile:
        take.close(self._settings.sentence_pause_s)
        stored = self._store.put_bytes(take.wav(), "audio/wav")
        self._store.remember(self._key(request), stored)
        return stored

    def _key(self, request: tts_pb2.SynthesizeRequest) -> str:
        asked = request.SerializeToString(deterministic=True)
        return recipe_key("voice", self._engine, asked, self._settings.sentence_pause_s)

    def _request(self, text: str, seed: int | None) -> tts_pb2.SynthesizeRequest:
        spec = self._spec
        request = tts_pb2.SynthesizeRequest(
            text=text,
            language=language_to_say(text, spec.language, spec.script),
            voice=spec.voice,
            seed=spec.seed if seed is None else seed,
            speed=spec.speed,
            reference_text=spec.reference_text,
        )
        if spec.reference_audio.sha256:
            request.reference_audio.CopyFrom(spec.reference_audio)
        return request


def _check_whole(take: Take, done: tts_pb2.SynthesizeDone) -> None:
    if not done.samples:
        raise InternalError("The voice said nothing.", "Try another seed, or write the sentence anew.", reason=MUTE)
    if take.sha256() != done.sha256:
        problem = f"The voice sent {take.samples} samples that are not the {done.samples} it made."
        raise InternalError(problem, "Retry the job.")
