"""The rules for a job spec, with a typed error for each way to break them, and its defaults."""

from __future__ import annotations

from typing import Any

from services.base.errors import InvalidInputError
from services.media.framing.crop import parsed_focus
from services.media.store import MediaStore
from services.text.notation.dictionary import Dictionary
from services.text.pasted import without_invisible
from services.text.plain_text import LINE_BREAKS, checked_text, control_character
from services.text.sentences import split_script
from services.typography.fonts import typeface
from services.typography.styles import displayed, load_style, safe_area
from vigent.jobs.v1 import jobs_pb2
from vigent.lipsync.v1 import lipsync_pb2

MAX_TITLE_CHARACTERS = 60
DEFAULT_WIDTH, DEFAULT_HEIGHT = 1080, 1920
DEFAULT_MUSIC_GAIN_DB = -18.0
_MIN_SIDE, _MAX_SIDE = 128, 2160
_MIN_SPEED, _MAX_SPEED = 0.5, 2.0
_MIN_GAIN_DB, _MAX_GAIN_DB = -60.0, 12.0
_MAX_MUSIC_START_S = 600.0
MAX_SEGMENT_CHOICES = 1_000
MAX_TAKE = 99
_MAX_FOOTAGE_FRAME = 2**31 - 1  # of lip-sync
_CHOICES = {
    "quality": lipsync_pb2.Quality,
    "ai_label": jobs_pb2.AiLabel,
    "loudness": jobs_pb2.Loudness,
    "captions": jobs_pb2.Captions,
}


def complete_spec(spec: jobs_pb2.JobSpec, store: MediaStore, platform: str = "default") -> jobs_pb2.JobSpec:
    """A copy of `spec` with its defaults filled in; `platform` is for specs that name none.

    Raises InvalidInputError or NotFoundError naming the field at fault.
    """
    complete = jobs_pb2.JobSpec()
    complete.CopyFrom(spec)
    title = spec.title.replace("\r\n", "\n").translate(LINE_BREAKS).replace("\t", " ")
    complete.title = without_invisible(title)
    complete.width = spec.width or DEFAULT_WIDTH
    complete.height = spec.height or DEFAULT_HEIGHT
    complete.speed = spec.speed or 1.0
    complete.music_gain_db = spec.music_gain_db if spec.HasField("music_gain_db") else DEFAULT_MUSIC_GAIN_DB
    complete.platform = spec.platform or platform
    _check_title(spec.title)
    _check_side("spec.width", complete.width)
    _check_side("spec.height", complete.height)
    _check_range("spec.speed", complete.speed, _MIN_SPEED, _MAX_SPEED)
    _check_range("spec.music_gain_db", complete.music_gain_db, _MIN_GAIN_DB, _MAX_GAIN_DB)
    _check_range("spec.music_start_s", complete.music_start_s, 0.0, _MAX_MUSIC_START_S)
    _check_focus(complete.focus)
    _check_choices(complete)
    _check_platform(complete)
    _check_media(complete, store)
    _check_consent(complete)
    if spec.reference_audio.sha256 and spec.reference_text:
        checked_text(spec.reference_text, "spec.reference_text")
    Dictionary.of(spec.pronunciations, "spec.pronunciations")
    _check_writing(complete, store)
    return complete


def _check_title(title: str) -> None:
    if len(title) > MAX_TITLE_CHARACTERS:
        problem = f"The title has {len(title)} characters, the limit is {MAX_TITLE_CHARACTERS}."
        raise InvalidInputError(problem, "Shorten it.", "spec.title", "TEXT_TOO_LONG")
    if (position := control_character(title)) is not None:
        problem = f"The title has the control character U+{ord(title[position]):04X} at position {position}."
        raise InvalidInputError(problem, "Remove it.", "spec.title", "CONTROL_CHARACTER")


def _check_side(field: str, pixels: int) -> None:
    if not _MIN_SIDE <= pixels <= _MAX_SIDE or pixels % 2:
        remedy = f"Give an even number from {_MIN_SIDE} to {_MAX_SIDE}."
        raise InvalidInputError(f"{pixels} pixels cannot be filmed.", remedy, field)


def _check_range(field: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InvalidInputError(f"{value:g} is out of range.", f"Give {least:g} to {most:g}.", field)


def _check_focus(focus: str) -> None:
    try:
        parsed_focus(focus)
    except ValueError as error:
        problem = f"{focus[:40]!r} is no place in a picture."
        raise InvalidInputError(problem, f"{error}.", "spec.focus", "BAD_FOCUS") from None


def _check_choices(spec: jobs_pb2.JobSpec) -> None:
    """Enums are open in proto3, so any number gets this far."""
    for field, choices in _CHOICES.items():
        if getattr(spec, field) not in choices.values():
            problem = f"There is no {field} {getattr(spec, field)}."
            remedy = f"Give one of {', '.join(choices.keys())}."
            raise InvalidInputError(problem, remedy, f"spec.{field}", "UNKNOWN_CHOICE")


def _check_platform(spec: jobs_pb2.JobSpec) -> None:
    try:
        safe_area("safe", spec.width, spec.height, spec.platform)
    except InvalidInputError as error:
        raise InvalidInputError(error.problem, error.remedy, "spec.platform", error.reason) from None


def _check_consent(spec: jobs_pb2.JobSpec) -> None:
    if spec.reference_audio.sha256 and not (spec.consent.person.strip() and spec.consent.statement.strip()):
        problem = "There is no consent of the speaker in the recording."
        raise InvalidInputError(problem, "Say who agreed, in which words.", "spec.consent", "NO_CONSENT")


def _check_writing(spec: jobs_pb2.JobSpec, store: MediaStore) -> None:
    """The script can be spoken, the styles exist, and their fonts have every character."""
    sentences = split_script(spec.script)
    _check_segment_choices(spec, len(sentences))
    captions, title = load_style("subtitle", spec.caption_style, store), load_style("title", spec.title_style, store)
    if spec.captions != jobs_pb2.CAPTIONS_FILES_ONLY:
        _check_glyphs(
            "".join(sentence.text for sentence in sentences), captions, "spec.script", "have captions as files only"
        )
    _check_glyphs(spec.title, title, "spec.title", "write the title in other letters")


def _check_segment_choices(spec: jobs_pb2.JobSpec, segments: int) -> None:
    field = "spec.segment_choices"
    if (count := len(spec.segment_choices)) > MAX_SEGMENT_CHOICES:
        problem = f"{count:,} segments have choices, the limit is {MAX_SEGMENT_CHOICES:,}."
        raise InvalidInputError(problem, "Split the film.", field, "TOO_MANY_CHOICES")
    for place, choice in enumerate(spec.segment_choices):
        _check_range(f"{field}.{place}.segment", choice.segment, 0, segments - 1)
        _check_range(f"{field}.{place}.take", choice.take, 0, MAX_TAKE)
        _check_range(f"{field}.{place}.first_footage_frame", choice.first_footage_frame, 0, _MAX_FOOTAGE_FRAME)
        if choice.segment in (other.segment for other in spec.segment_choices[:place]):
            problem = f"Segment {choice.segment} is chosen for twice."
            raise InvalidInputError(problem, "Join both choices.", f"{field}.{place}.segment", "CHOSEN_TWICE")


def _check_glyphs(text: str, style: dict[str, Any], field: str, otherwise: str) -> None:
    shown = "".join(displayed(text, style).split())
    typeface(style["font"]["id"], style["font"]["weight"]).require(shown, field, otherwise)


def _check_media(spec: jobs_pb2.JobSpec, store: MediaStore) -> None:
    if not spec.footage.sha256:
        remedy = "Upload a video or a picture of the presenter and give its id."
        raise InvalidInputError("There is no footage.", remedy, "spec.footage")
    for field in ("footage", "music", "reference_audio"):
        sha256 = getattr(spec, field).sha256
        if sha256:
            store.path(sha256, f"spec.{field}")
