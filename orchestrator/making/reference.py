"""What is said in the recording of a cloned voice: given with the job, or written down by the listening engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from orchestrator.making.servers import Mesh
from orchestrator.making.take import SAMPLE_BYTES, Take
from orchestrator.making.words import transcribe
from services.base.errors import InvalidInputError
from services.media.sandbox import WRITE_SPEECH, Limits, run_limited
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
_KNOW_ENGLISH_ONLY = frozenset({"dtw", "pocketsphinx"})
"""Listening engines that hear English in everything, so they are asked only when the recording is said to be that."""


@dataclass(frozen=True)
class Reference:
    """What is said in the recording; without `text` the voice is cloned by its sound alone, and `note` says why."""

    text: str
    note: str


async def make_reference(spec: jobs_pb2.JobSpec, asr_engine: str, store: MediaStore, mesh: Mesh) -> Reference | None:
    """None for a job without a recording. What was written down once is kept by the hash of the recording.

    Raises InvalidInputError for the field "spec.reference_audio" when the recording cannot be read.
    """
    if not spec.reference_audio.sha256:
        return None
    if spec.reference_text:
        return Reference(spec.reference_text, "Given with the job.")
    engine, language = asr_engine.partition(" ")[0], spec.reference_language
    if engine in _KNOW_ENGLISH_ONLY and primary_subtag(language) != "en":
        return Reference("", f"By sound alone: {engine} writes down English only, and nobody says it is English.")
    key = recipe_key("reference_text", asr_engine, spec.reference_audio.sha256, language)
    if stored := store.recall(key):
        text = store.path(stored.sha256).read_text()
    else:
        text = await _heard(store.path(spec.reference_audio.sha256), language, store, mesh)
        store.remember(key, store.put_bytes(text.encode(), "text/plain"))
    if not text or len(text) > _LONGEST_TEXT:
        return Reference("", f"By sound alone: {engine} understood {'nothing' if not text else 'too much'}.")
    return Reference(text, f"Written down by {engine}.")


async def _heard(recording: Path, language: str, store: MediaStore, mesh: Mesh) -> str:
    """Empty where the engine does not know the language."""
    take = await asyncio.to_thread(_decoded, recording, store)
    try:
        with mesh.asr.least_busy() as stub:
            return (await transcribe(stub, take, language, _TIMEOUT_S)).strip()
    except InvalidInputError:
        return ""


def _decoded(recording: Path, store: MediaStore) -> Take:
    with store.temporary(".pcm") as target:
        arguments = (recording, target, FIELD, _RATE_HZ, LONGEST_S)
        run_limited(WRITE_SPEECH, *arguments, returns=float, field=FIELD, limits=_LIMITS)
        take = Take(_RATE_HZ)
        take.append(target.read_bytes())
    take.close()
    return take
