"""The voice of a segment: spoken once, kept by the hash of everything that made it."""

from __future__ import annotations

import asyncio

from orchestrator.mesh import Mesh
from orchestrator.settings import OrchestratorSettings
from orchestrator.take import SAMPLE_BYTES, Take
from services.runtime.client import remote_errors
from services.runtime.errors import InternalError
from services.runtime.media import MediaStore, StoredFile, recipe_key
from vigent.jobs.v1 import jobs_pb2
from vigent.tts.v1 import tts_pb2


class Voice:
    """Speaks the sentences of one job."""

    def __init__(
        self, spec: jobs_pb2.JobSpec, engine: str, store: MediaStore, mesh: Mesh, settings: OrchestratorSettings
    ) -> None:
        self._spec, self._engine, self._store, self._mesh, self._settings = spec, engine, store, mesh, settings

    def recall(self, text: str) -> tuple[Take, StoredFile] | None:
        """The finished take of `text`, if it was spoken before."""
        stored = self._store.recall(self._key(text))
        if stored is None:
            return None
        return Take.from_wav(self._store.path(stored.sha256).read_bytes()), stored

    async def speak(self, text: str, started: asyncio.Future[Take]) -> StoredFile:
        """Speaks `text` into a take that `started` gets as soon as the server accepts, and keeps it when whole."""
        with self._mesh.tts.least_busy() as stub, remote_errors():
            take: Take | None = None
            async for response in stub.Synthesize(self._request(text), timeout=self._settings.call_deadline_s):
                match response.WhichOneof("event"):
                    case "accepted":
                        take = Take(response.accepted.format.sample_rate_hz)
                        started.set_result(take)
                    case "audio" if take:
                        take.append(response.audio.data)
                    case "done" if take:
                        _check_total(take, response.done)
                        return self._keep(text, take)
        raise InternalError("The voice ended before it was done.", "Try again.")

    def _keep(self, text: str, take: Take) -> StoredFile:
        take.close(self._settings.sentence_pause_s)
        stored = self._store.put_bytes(take.wav(), "audio/wav")
        self._store.remember(self._key(text), stored)
        return stored

    def _key(self, text: str) -> str:
        request = self._request(text).SerializeToString(deterministic=True)
        return recipe_key("voice", self._engine, request, self._settings.sentence_pause_s)

    def _request(self, text: str) -> tts_pb2.SynthesizeRequest:
        spec = self._spec
        request = tts_pb2.SynthesizeRequest(
            text=text,
            language=spec.language,
            voice=spec.voice,
            seed=spec.seed,
            speed=spec.speed,
            reference_text=spec.reference_text,
        )
        if spec.reference_audio.sha256:
            request.reference_audio.CopyFrom(spec.reference_audio)
        return request


def _check_total(take: Take, done: tts_pb2.SynthesizeDone) -> None:
    if take.samples != done.samples or not take.samples:
        problem = f"The voice sent {take.samples} samples and says {done.samples} ({SAMPLE_BYTES} bytes each)."
        raise InternalError(problem, "Try again.")
