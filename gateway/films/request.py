"""What a film is made of, from the words of the command line to the spec of a job."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from gateway.films.view import Consent, JobRequest, consent_message, spec_of
from gateway.http.problems import invalid_input_of, shortened
from gateway.library.assets import Kind
from gateway.library.library import Library
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError, NotFoundError
from services.media.formats import sniff
from services.media.store import MediaStore, media_ref
from services.typography.fonts import use_uploaded_fonts
from services.typography.styles import StyleKind, list_styles, load_style, read_style
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

_LARGEST_TEXT_BYTES = 2**20
_MEDIA: dict[Kind, tuple[str, ...]] = {"footage": ("video", "image"), "music": ("audio",), "voices": ("audio",)}


@dataclass(frozen=True)
class Ingredients:
    """As given; files are not read yet."""

    script: str
    footage: str
    voice: str = ""
    music: str = ""
    caption_style: str = ""
    title: str = ""
    title_style: str = ""
    language: str = ""
    speed: float = 1.0
    music_gain_db: float = -18.0
    platform: str = ""
    width: int = 1080
    height: int = 1920
    quality: Literal["draft", "standard", "best"] = "standard"
    loudness: Literal["online", "podcast", "broadcast", "off"] = "online"
    captions: Literal["drawn", "files_only"] = "drawn"
    ai_label: bool = True
    seed: int = 0
    reference: Path | None = None
    reference_text: str = ""
    reference_language: str = ""
    consent_of: str = ""
    consent: str = ""
    face_consent_of: str = ""
    face_consent: str = ""


def spec_of_ingredients(given: Ingredients, settings: GatewaySettings, store: MediaStore) -> jobs_pb2.JobSpec:
    """The spec, its files put into the store. Raises InvalidInputError naming the field at fault."""
    use_uploaded_fonts(store.root)
    library = Library(settings, store)
    footage = _media(library, store, "footage", given.footage, "footage")
    music = _media(library, store, "music", given.music, "music") if given.music else None
    try:
        request = JobRequest(
            script=given.script,
            footage=footage.sha256,
            voice=given.voice,
            music=music.sha256 if music else None,
            caption_style=_style("subtitle", given.caption_style, "caption_style", store),
            title=given.title,
            title_style=_style("title", given.title_style, "title_style", store),
            language=given.language,
            speed=given.speed,
            music_gain_db=given.music_gain_db,
            platform=given.platform,
            width=given.width,
            height=given.height,
            quality=given.quality,
            loudness=given.loudness,
            captions=given.captions,
            ai_label=given.ai_label,
            seed=given.seed,
            consent=_consent(given.face_consent_of, given.face_consent, "face_consent"),
        )
    except ValidationError as error:
        raise invalid_input_of(dict(error.errors()[0])) from error
    spec = spec_of(request, footage, music)
    if given.reference is not None:
        _add_reference(spec, given, library, store)
    return spec


def read_text(path: str, field: str) -> str:
    """The text of a file, or of standard input for "-". Raises InvalidInputError."""
    try:
        if path == "-":
            data = sys.stdin.buffer.read(_LARGEST_TEXT_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                data = file.read(_LARGEST_TEXT_BYTES + 1)
        if len(data) > _LARGEST_TEXT_BYTES:
            raise InvalidInputError(f"{path} is larger than a script can be.", "Split it into several films.", field)
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8 text."
        raise InvalidInputError(f"{path} is no UTF-8 text.", remedy, field, "NOT_UTF8") from error
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.", "Name a text file.", field) from error


def _media(library: Library, store: MediaStore, kind: Kind, given: str, field: str) -> media_pb2.MediaRef:
    if _is_file(given):
        with _reading(given, field):
            return media_ref(store.put_file(Path(given), sniff(Path(given), *_MEDIA[kind]).mime_type))
    try:
        return media_ref(library.stored(kind, given))
    except NotFoundError as error:
        problem = f"There is no file {shortened(given)}, and nothing with that id in the library."
        raise InvalidInputError(problem, "Name a file.", field, f"UNKNOWN_{field.upper()}") from error


def _style(kind: StyleKind, given: str, field: str, store: MediaStore) -> str:
    """The id of a style; that of a file is its content hash in the store."""
    if given not in list_styles(kind) and _is_file(given):
        with _reading(given, field):
            read_style(Path(given), field)
            return store.put_file(Path(given), "application/json").sha256
    try:
        load_style(kind, given, store)
    except NotFoundError as error:
        problem = f"There is no file {shortened(given)}, and no {kind} style with that id."
        raise InvalidInputError(problem, error.remedy, field, error.reason) from error
    return given


def _is_file(given: str) -> bool:
    return os.path.isfile(given)  # noqa: PTH113 - Path.is_file raises for a name that is too long


@contextmanager
def _reading(given: str, field: str) -> Iterator[None]:
    """Errors of a file that the user names, with its name."""
    try:
        yield
    except InvalidInputError as error:
        place = error.field if error.field.startswith(f"{field}.") else field  # a key of a style is named as well
        raise InvalidInputError(f"{given}: {error.problem}", error.remedy, place, error.reason) from error
    except OSError as error:
        raise InvalidInputError(f"{given} cannot be read: {error.strerror}.", "Name another file.", field) from error


def _add_reference(spec: jobs_pb2.JobSpec, given: Ingredients, library: Library, store: MediaStore) -> None:
    consent = _consent(given.consent_of, given.consent, "consent")
    if consent is None:
        problem = "There is no consent of the speaker in the recording."
        raise InvalidInputError(problem, "Give --consent-of and --consent.", "--reference", "NO_CONSENT")
    spec.reference_audio.CopyFrom(_media(library, store, "voices", str(given.reference), "reference_audio"))
    spec.reference_text, spec.reference_language = given.reference_text, given.reference_language
    spec.consent.CopyFrom(consent_message(consent))


def _consent(person: str, statement: str, field: str) -> Consent | None:
    """None where neither is said. Raises InvalidInputError for half a consent."""
    if not person.strip() and not statement.strip():
        return None
    try:
        return Consent(person=person, statement=statement, given_time=None)
    except ValidationError as error:
        problem = "A consent needs the person and the words of the agreement."
        raise InvalidInputError(problem, "Give both.", field, "NO_CONSENT") from error
