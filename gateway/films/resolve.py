"""From a request to the spec of a job: what it names is found in the libraries, or inspected as uploads are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.fields import shortened
from gateway.films.request import HINTS, FilmRequest
from gateway.films.spec import consent_message, place_of, spec_of
from gateway.library.assets import Asset, Description, Kind, Style, StyleDescription, StyleRole, Voice, VoiceDescription
from gateway.library.library import Library
from services.base.errors import InvalidInputError
from services.media.store import media_ref
from services.typography.styles import list_styles
from vigent.jobs.v1 import jobs_pb2


def resolve(request: FilmRequest, library: Library, *, files: bool = False) -> jobs_pb2.JobSpec:
    """The spec, with all that it names in the media store. Blocks: call it in a thread.

    `files`: what names an entry may also name a file of this machine, which only its own command line may do. Raises
    InvalidInputError naming the field at fault.
    """
    if not request.footage:
        request = request.model_copy(update={"footage": _presenter(library)})
    named, spec = _Named(request, library, files), spec_of(request)
    for field in (field for field, hint in HINTS.items() if hint.entry not in {None, "voices"}):
        place = place_of(field)
        if place.message_type is None:
            setattr(spec, place.name, named.style_id(field))
        elif (entry := named.entry(field)) is not None:
            getattr(spec, place.name).CopyFrom(media_ref(library.stored(entry)))
    _add_voice(spec, named)
    return spec


def _presenter(library: Library) -> str:
    """The footage that comes with Vigent."""
    for entry in library.entries("footage"):
        if entry.bundled:
            return entry.id
    remedy = "Give a video or a picture of the presenter."
    raise InvalidInputError("There is no footage.", remedy, "footage", "MISSING")


def _add_voice(spec: jobs_pb2.JobSpec, named: _Named) -> None:
    """A recording to clone is given as `reference`, or is itself named as the voice."""
    request = named.request
    if (entry := named.entry("reference")) is None:
        if (entry := named.voice()) is None:
            return
        spec.voice = ""
    assert isinstance(entry, Voice)
    spec.reference_audio.CopyFrom(media_ref(named.library.stored(entry)))
    spec.reference_text = request.reference_text or entry.reference_text
    spec.reference_language = request.reference_language or next(iter(entry.languages), "")
    spec.consent.CopyFrom(consent_message(request.voice_consent or entry.consent))


@dataclass(frozen=True)
class _Named:
    """What the fields of a request name."""

    request: FilmRequest
    library: Library
    files: bool

    def style_id(self, field: str) -> str:
        """The style's id as specs have it; "" is the default."""
        given: str = getattr(self.request, field)
        if given in list_styles(_role(field)):
            return given
        entry = self.entry(field)
        return "" if entry is None else entry.id

    def voice(self) -> Asset | None:
        """The library's recording that is named as the voice; None for a voice of the engine."""
        voice = self.request.voice
        found = self.library.matching("voices", voice) if voice else []
        return _only(found, "voice", voice) if found else None

    def entry(self, field: str) -> Asset | None:
        """The entry; None when the field is empty. Raises InvalidInputError."""
        given, kind, role = getattr(self.request, field), HINTS[field].entry, HINTS[field].role
        if not given or kind is None:
            return None
        if self.files and _is_file(given):
            with _reading(given, field):
                return self.library.inspected(kind, Path(given), self._description(kind, field))
        found = self.library.matching(kind, given)
        fitting = [entry for entry in found if not isinstance(entry, Style) or entry.role == role]
        if fitting:
            return _only(fitting, field, given)
        if found:
            problem = f"{shortened(given)} is not a {role} style."
            raise InvalidInputError(problem, f"Choose a {role} style.", field, "WRONG_STYLE_ROLE")
        raise self._unknown(field, given)

    def _description(self, kind: Kind, field: str) -> Description:
        if kind == "styles":
            return StyleDescription(role=_role(field))
        return self._voice_description() if kind == "voices" else Description()

    def _voice_description(self) -> VoiceDescription:
        consent = self.request.voice_consent
        if consent is None:
            problem = "The consent of the speaker in the recording is missing."
            raise InvalidInputError(problem, "Say who agreed, and in what words.", "voice_consent", "NO_CONSENT")
        return VoiceDescription(**consent.model_dump())

    def _unknown(self, field: str, given: str) -> InvalidInputError:
        kind, role = HINTS[field].entry, HINTS[field].role
        if self.files and (found := _what_is_at(given)):
            problem = f"{shortened(given)} {found}."
            raise InvalidInputError(problem, "Give a file.", field, "NOT_A_FILE")
        problem = f"The {kind} library has no entry with the id or name {shortened(given)}."
        if self.files:
            problem = f"There is no file {shortened(given)}, and no entry with that id or name in the {kind} library."
        remedy = "Give a file." if self.files else f"GET /api/v1/{kind} lists the ids."
        if role is not None:
            remedy = f"Use one of: {', '.join(list_styles(role))}; or your own."
        return InvalidInputError(problem, remedy, field, f"UNKNOWN_{field.upper()}")


def _role(field: str) -> StyleRole:
    role = HINTS[field].role
    assert role is not None
    return role


def _only(found: list[Asset], field: str, given: str) -> Asset:
    if len(found) > 1:
        problem = f"The library has {len(found)} entries with the name {shortened(given)}."
        raise InvalidInputError(problem, "Give the id of one.", field, "AMBIGUOUS_NAME")
    return found[0]


def _is_file(given: str) -> bool:
    return os.path.isfile(given)  # noqa: PTH113 - Path.is_file raises for a name that is too long


def _what_is_at(given: str) -> str:
    """Why what is there is no file to be read, "is a folder" for one; empty if nothing is there."""
    try:
        mode = os.stat(given).st_mode  # noqa: PTH116 - as above
    except PermissionError as error:
        return f"cannot be read: {error.strerror}"
    except (OSError, ValueError):  # no such name, one too long, or one with a null character
        return ""
    return f"is {'a folder' if stat.S_ISDIR(mode) else 'a pipe' if stat.S_ISFIFO(mode) else 'a device or a socket'}"


@contextmanager
def _reading(given: str, field: str) -> Iterator[None]:
    """Gives errors about a file that the user names its name, and the field that names it."""
    try:
        yield
    except InvalidInputError as error:
        if not error.field.startswith("file"):  # the error is about what was said of the file
            raise
        place = f"{field}{error.field.removeprefix('file')}"  # with the key of a style
        raise InvalidInputError(f"{given}: {error.problem}", error.remedy, place, error.reason) from error
    except OSError as error:
        raise InvalidInputError(f"{given} cannot be read: {error.strerror}.", "Give another file.", field) from error
