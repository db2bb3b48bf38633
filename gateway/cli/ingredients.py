"""What a film is made of, from the words of the command line to the spec of a job."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.jobs import Consent, JobRequest, consent_message, spec_of
from gateway.library.assets import Kind
from gateway.library.library import Library
from gateway.library.sniff import sniff
from gateway.settings import GatewaySettings
from services.runtime.convert import media_ref
from services.runtime.errors import InvalidInputError, NotFoundError
from services.runtime.media import MediaStore
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2

_LARGEST_TEXT_BYTES = 2**20
_MEDIA: dict[Kind, tuple[str, ...]] = {"footage": ("video", "image"), "music": ("audio",), "voices": ("audio",)}


@dataclass(frozen=True)
class Ingredients:
    """As given; files are not read yet."""

    script: str
    footage: str
    voice: str
    music: str
    caption_style: str
    title: str
    title_style: str
    language: str
    speed: float
    music_gain_db: float
    platform: str
    width: int
    height: int
    quality: Literal["draft", "standard", "best"]
    loudness: Literal["online", "podcast", "broadcast", "off"]
    captions: Literal["drawn", "files_only"]
    ai_label: bool
    seed: int
    reference: Path | None
    reference_text: str
    consent_of: str
    consent: str


def spec_of_ingredients(given: Ingredients, settings: GatewaySettings, store: MediaStore) -> jobs_pb2.JobSpec:
    """The spec, its files put into the store. Raises InvalidInputError naming the field at fault."""
    library = Library(settings, store)
    footage = _media(library, store, "footage", given.footage, "footage")
    music = _media(library, store, "music", given.music, "music") if given.music else None
    request = JobRequest(
        script=given.script,
        footage=footage.sha256,
        voice=given.voice,
        music=music.sha256 if music else None,
        caption_style=given.caption_style,
        title=given.title,
        title_style=given.title_style,
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
    )
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


def target_file(out_file: Path | None, script: str) -> Path:
    """Where the film goes. Raises InvalidInputError when it cannot be written there."""
    target = out_file or Path("film.mp4" if script == "-" else f"{Path(script).stem}.mp4")
    if target.suffix.lower() != ".mp4":
        raise InvalidInputError(f"{target} does not end in .mp4.", "Films are MP4 files; name one.", "--out")
    if target.is_dir():
        raise InvalidInputError(f"{target} is a folder.", "Name a file.", "--out")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"The folder {target.parent} cannot be made: {error.strerror}."
        raise InvalidInputError(problem, "Name another.", "--out") from error
    return target


def _media(library: Library, store: MediaStore, kind: Kind, given: str, field: str) -> media_pb2.MediaRef:
    path = Path(given)
    if path.is_file():
        try:
            found = sniff(path, *_MEDIA[kind])
        except InvalidInputError as error:
            raise InvalidInputError(f"{given}: {error.problem}", error.remedy, field, error.reason) from error
        return media_ref(store.put_file(path, found.mime_type))
    try:
        return media_ref(library.stored(kind, given))
    except NotFoundError as error:
        problem = f"There is no file {given}, and nothing with that id in the library."
        raise InvalidInputError(problem, "Name a file.", field, f"UNKNOWN_{field.upper()}") from error


def _add_reference(spec: jobs_pb2.JobSpec, given: Ingredients, library: Library, store: MediaStore) -> None:
    if not given.consent_of or not given.consent:
        problem = "There is no consent of the speaker in the recording."
        raise InvalidInputError(problem, "Give --consent-of and --consent.", "--reference", "NO_CONSENT")
    spec.reference_audio.CopyFrom(_media(library, store, "voices", str(given.reference), "reference_audio"))
    spec.reference_text = given.reference_text
    spec.consent.CopyFrom(consent_message(Consent(person=given.consent_of, statement=given.consent, given_time=None)))
