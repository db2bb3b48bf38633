"""The plan of a film: what is known before any model speaks. Made once per job, then kept by the durable engine."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

from orchestrator.captions.safe_area import AvoidBox as Box
from orchestrator.film.conform import FIELD as FOOTAGE_FIELD
from orchestrator.film.conform import ConformedFootage
from orchestrator.making.readings import sentence_from_json, sentences_of
from orchestrator.making.reference import Reference, make_reference
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.servers import LISTENER, MOUTH, VOICE, Engine, Servers
from services.base.client import remote_errors
from services.base.errors import InternalError, InvalidInputError
from services.base.source_digest import source_digest
from services.media.colours import BLACK, Rgb
from services.media.framing.crop import is_outside, parsed_focus
from services.media.sandbox import run_limited
from services.media.store import MediaStore, StoredFile, media_ref, recipe_key
from services.text.notation.dictionary import NO_READINGS, Dictionary
from services.text.sentences import Sentence
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2
from vigent.tts.v1 import tts_pb2

_VOICES_TIMEOUT_S = 30.0
_SERVICES = Path(__file__).parents[2] / "services"
_CROP_CODE = source_digest(_SERVICES / "faces", _SERVICES / "media")

ReportProgress = Callable[[float], None]
"""Gets the share of the stage that is done, 0 to 1."""


@dataclass(frozen=True)
class FilmPlan:
    """Sentences, conformed footage and what lip-sync found in it.

    `mouth` and `face` are the boxes around all of their positions: (x, y, width, height) in film pixels.
    `problems` are sentences on the faces in the footage and on what could not be read of it.
    `engines` has the engine behind each service.
    """

    sentences: tuple[Sentence, ...]
    footage: StoredFile
    footage_frames: int
    frames_without_face: int
    mouth: Box | None
    face: Box | None
    problems: tuple[str, ...]
    engines: dict[str, Engine]
    reference: Reference | None = None

    @property
    def to_avoid(self) -> list[Box]:
        """What text had better not cover: the face, or where there is no room beside it, the mouth."""
        return [box for box in (self.face, self.mouth) if box]

    def to_json(self) -> dict[str, Any]:
        """Plain data for the durable engine."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The plan that `to_json` described."""
        return cls(
            sentences=tuple(map(sentence_from_json, data["sentences"])),
            footage=StoredFile(**data["footage"]),
            footage_frames=data["footage_frames"],
            frames_without_face=data["frames_without_face"],
            mouth=_box(data["mouth"]),
            face=_box(data["face"]),
            problems=tuple(data["problems"]),
            engines={service: Engine(**engine) for service, engine in data["engines"].items()},
            reference=Reference(**data["reference"]) if data.get("reference") else None,
        )


async def make_plan(
    spec: jobs_pb2.JobSpec,
    store: MediaStore,
    servers: Servers,
    report: ReportProgress,
    policy: RetryPolicy,
    backdrop: Rgb = BLACK,
    dictionary: Dictionary = NO_READINGS,
) -> FilmPlan:
    """Splits the script, brings the footage to the film's size and rate and looks for faces in it.

    `backdrop` lies behind what is transparent in the footage; `dictionary` has the readings of the settings.

    Raises InvalidInputError for a script without words, for an unknown voice or language, for footage that cannot be
    read or shows no face, and for a reference recording that cannot be read.
    """
    sentences = sentences_of(spec, dictionary)
    engines = await servers.engines(policy)  # first: a server that does not answer is named, not timed out on
    await policy.retried(lambda: check_voices(spec, servers), servers.tts.at(VOICE))
    footage, found, notes = await look_at_footage(spec, store, servers, report, policy, backdrop)
    reference = await policy.retried(
        lambda: make_reference(spec, engines["asr"], store, servers), servers.asr.at(LISTENER)
    )
    return FilmPlan(
        sentences=sentences,
        footage=footage,
        footage_frames=found.frames,
        frames_without_face=found.frames_without_face,
        mouth=box_of(found.mouth),
        face=box_of(found.face),
        problems=(*notes, *found.problems),
        engines=engines,
        reference=reference,
    )


async def look_at_footage(
    spec: jobs_pb2.JobSpec,
    store: MediaStore,
    servers: Servers,
    report: ReportProgress,
    policy: RetryPolicy,
    backdrop: Rgb,
) -> tuple[StoredFile, lipsync_pb2.FootageReport, list[str]]:
    """The footage at the film's size and rate, the faces in it, and what could not be read of it.

    Raises what `make_plan` raises about the footage.
    """
    footage, notes = await policy.retried(
        lambda: _conformed(spec, store, lambda share: report(0.5 * share), backdrop), "the footage to be read"
    )
    report(0.5)
    found = await policy.retried(
        lambda: _look_at(footage, notes, servers, lambda share: report(0.5 + 0.5 * share)), servers.lipsync.at(MOUTH)
    )
    return footage, found, notes


def box_of(box: lipsync_pb2.Box) -> Box | None:
    """(x, y, width, height) in film pixels; None where nothing was found."""
    return (box.x, box.y, box.width, box.height) if box.width else None


def _box(data: list[int] | None) -> Box | None:
    return None if data is None else (data[0], data[1], data[2], data[3])


async def check_voices(spec: jobs_pb2.JobSpec, servers: Servers) -> None:
    """Raises InvalidInputError when the voice engine has none of those that are asked for."""
    request = tts_pb2.ListVoicesRequest(language=spec.language)
    with servers.tts.least_busy() as stub, remote_errors():
        voices = [voice.id for voice in (await stub.ListVoices(request, timeout=_VOICES_TIMEOUT_S)).voices]
    if spec.language and not voices:
        problem = f"No voice speaks {spec.language[:80]!r}."
        remedy = "Give a BCP 47 language such as zh or en, or none."
        raise InvalidInputError(problem, remedy, "spec.language", "UNKNOWN_LANGUAGE")
    _check_known(spec.voice, voices, "spec.voice")
    for place, choice in enumerate(spec.segment_choices):
        _check_known(choice.voice, voices, f"spec.segment_choices.{place}.voice")


def _check_known(voice: str, voices: Sequence[str], field: str) -> None:
    name = voice.partition(":")[0].strip()  # an instruction may follow: "vivian: whispering", ": a low voice"
    if name and name not in voices:
        near = difflib.get_close_matches(name, voices, 3, 0) or voices[:3]
        problem, remedy = f"There is no voice {voice[:80]!r}.", f"Choose one, such as {', '.join(near)}."
        raise InvalidInputError(problem, remedy, field, "UNKNOWN_VOICE")


async def _conformed(
    spec: jobs_pb2.JobSpec, store: MediaStore, report: ReportProgress, backdrop: Rgb
) -> tuple[StoredFile, list[str]]:
    """The footage as the film needs it, and what is to be said of it."""
    key = recipe_key("conform", _CROP_CODE, spec.footage.sha256, spec.width, spec.height, backdrop, spec.focus)
    notes_key = recipe_key("conform notes", key)
    stored, notes = await asyncio.to_thread(lambda: (store.recall(key), store.recall_bytes(notes_key)))
    if stored and notes:
        return stored, json.loads(notes[1])
    source = await asyncio.to_thread(store.path, spec.footage.sha256, FOOTAGE_FIELD)
    with store.temporary(".mp4") as target:
        made = await asyncio.to_thread(_conform_apart, source, target, spec, report, backdrop)
        keep = partial(store.adopt, target) if made.changed else partial(store.put_file, source)
        stored = await asyncio.to_thread(keep, "video/mp4")
    written = json.dumps(made.notes).encode()
    await asyncio.to_thread(store.remember_bytes, notes_key, written, "application/json")
    await asyncio.to_thread(store.remember, key, stored)
    return stored, list(made.notes)


def _conform_apart(
    source: Path, target: Path, spec: jobs_pb2.JobSpec, report: ReportProgress, backdrop: Rgb
) -> ConformedFootage:
    def progress(done: int, total: int) -> None:
        report(min(1.0, done / max(1, total)))

    conform = "orchestrator.film.conform:conform"
    return run_limited(
        conform,
        source,
        target,
        spec.width,
        spec.height,
        returns=ConformedFootage,
        reads=(source,),
        writes=(target,),
        options={"backdrop": backdrop, "focus": parsed_focus(spec.focus)},
        field=FOOTAGE_FIELD,
        progress=progress,
    )


async def _look_at(
    footage: StoredFile, notes: Sequence[str], servers: Servers, report: ReportProgress
) -> lipsync_pb2.FootageReport:
    """What lip-sync finds in footage, on whose crop there are `notes`."""
    try:
        return await _prepared(footage, servers, report)
    except InvalidInputError as error:
        outside = next((note for note in notes if is_outside(note)), None)
        if error.reason != "NO_FACE" or outside is None:
            raise
        problem, _, remedy = outside.partition("; ")
        raise InvalidInputError(f"{problem}.", remedy[:1].upper() + remedy[1:], "spec.focus", "OUTSIDE_CROP") from error


async def _prepared(footage: StoredFile, servers: Servers, report: ReportProgress) -> lipsync_pb2.FootageReport:
    request = lipsync_pb2.PrepareRequest(footage=media_ref(footage))
    with servers.lipsync.least_busy() as stub, remote_errors():
        async for response in stub.Prepare(request, timeout=600.0):
            if response.WhichOneof("event") == "report":
                return response.report
            if response.progress.units_total:
                report(response.progress.units_done / response.progress.units_total)
    raise InternalError("The lip-sync server ended without a report on the footage.", "Try again.")
