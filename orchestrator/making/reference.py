"""What is said in the recording of a cloned voice: given with the job, or transcribed by the ASR engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from orchestrator.making.servers import Engine, Servers
from orchestrator.making.take import SAMPLE_BYTES, Take
from orchestrator.making.words import text_of, transcribe
from services.base.errors import InvalidInputError
from services.media.confinement.task import Limits
from services.media.sandbox import WRITE_SPEECH, run_limited
from services.media.store import MediaStore, recipe_key
from services.text.languages import primary_subtag
from vigent.jobs.v1 import jobs_pb2

FIELD = "spec.reference_audio"
LONGEST_S = 60
"""Longest recording; voices are cloned from no longer ones."""

_RATE_HZ = 16_000
_LONGEST_TEXT = 1_000  # of SynthesizeRequest.reference_text
_TIMEOUT_S = 300.0
_LIMITS = Limits(wall_s=60.0, cpu_s=60, memory_bytes=3 << 30, written_bytes=(LONGEST_S + 1) * _RATE_HZ * SAMPLE_BYTES)


@dataclass(frozen=True)
class Reference:
    """What is said in the recording. Without `text` the voice is cloned from its sound alone, and `note` says why."""

    text: str
    note: str


async def make_reference(
    spec: jobs_pb2.JobSpec, engine: Engine, store: MediaStore, servers: Servers
) -> Reference | None:
    """None for a job without a recording. A transcript is made once and kept by the hash of the recording.

    Raises InvalidInputError for the field "spec.reference_audio" when the recording cannot be read.
    """
    if not spec.reference_audio.sha256:
        return None
    if spec.reference_text:
        return Reference(spec.reference_text, "Given with the job.")
    language = spec.reference_language
    if engine.languages and primary_subtag(language) not in engine.languages:  # it hears its own in everything
        known = ", ".join(engine.languages)
        return Reference("", f"By sound alone: {engine.name} knows {known} only, and nobody says it is that.")
    key = recipe_key("reference_text", engine.identity, spec.reference_audio.sha256, language)
    if kept := await asyncio.to_thread(store.recall_bytes, key):
        text = kept[1].decode()
    else:
        recording = await asyncio.to_thread(store.path, spec.reference_audio.sha256, FIELD)
        text = await _heard(recording, language, store, servers)
        await asyncio.to_thread(store.remember_bytes, key, text.encode(), "text/plain")
    if not text or len(text) > _LONGEST_TEXT:
        return Reference("", f"By sound alone: {engine.name} understood {'nothing' if not text else 'too much'}.")
    return Reference(text, f"Written down by {engine.name}.")


async def _heard(recording: Path, language: str, store: MediaStore, servers: Servers) -> str:
    """Empty where the engine does not know the language."""
    take = await asyncio.to_thread(_decoded, recording, store)
    try:
        with servers.asr.least_busy() as stub:
            return text_of(await transcribe(stub, take, language, _TIMEOUT_S)).strip()
    except InvalidInputError:
        return ""


def _decoded(recording: Path, store: MediaStore) -> Take:
    with store.temporary(".pcm") as target:
        arguments = (recording, target, FIELD, _RATE_HZ, LONGEST_S)
        reads, writes = (recording,), (target,)
        run_limited(WRITE_SPEECH, *arguments, returns=float, reads=reads, writes=writes, field=FIELD, limits=_LIMITS)
        take = Take(_RATE_HZ)
        take.append(target.read_bytes())
    take.close()
    return take
