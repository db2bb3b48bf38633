"""What a film is made of: the one definition of each option, its default, its limits and its description.

The HTTP body, the options of `vigent make`, their documentation and the spec of a job are all derived from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import PydanticCustomError

from gateway.fields import Consent, Text, invalid_input_of
from gateway.library.assets import Kind, StyleRole
from services.media.framing.crop import parsed_focus
from services.text.notation.dictionary import MOST_ENTRIES
from services.text.plain_text import LONGEST_TEXT
from services.text.sentences import MAX_SCRIPT_CHARACTERS

_EXAMPLE: dict[str, JsonValue] = {
    "script": "大家好，今天我们聊聊 gRPC 模型服务。It streams all the way.",
    "footage": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "voice": "",
    "title": "One minute on serving",
    "music": None,
    "caption_style": "",
}


@dataclass(frozen=True)
class Hint:
    """What the name and the type of a field do not say.

    `entry`: it names an entry of this library, by id or name; on the command line also a file. `role`: the role of the
    style it names. `spec`: its name in vigent.jobs.v1.JobSpec. `option`: its name on the command line. `text_file`: the
    argument or option there that names a text file with its value. `switch`: its values, on and off, if a switch there.
    """

    entry: Kind | None = None
    role: StyleRole | None = None
    spec: str = ""
    option: str = ""
    text_file: str = ""
    switch: tuple[str, str] | None = None


def _focus(text: str) -> str:
    try:
        parsed_focus(text)
    except ValueError as error:  # whose sentence pydantic would begin with "Value error"
        raise PydanticCustomError("focus", "{problem}", {"problem": str(error)}) from error
    return text


def _tell_of_entries(schema: dict[str, Any]) -> None:
    schema["examples"] = [_EXAMPLE]
    for name, hint in HINTS.items():
        if hint.entry:
            schema["properties"][name]["description"] += f" Id or name of an entry of /api/v1/{hint.entry}."


class SegmentChoice(BaseModel):
    """What is chosen for one segment, where it differs from the film."""

    model_config = ConfigDict(extra="forbid")

    segment: int = Field(description="Place of its sentence in the script, from 0.", ge=0, le=2**31 - 1)
    voice: Text = Field("", description="Voice of the engine, as in the film; the film's own when left out.")
    take: int = Field(
        0, description="Which take: each is spoken with a seed of its own, 0 with that of the film.", ge=0, le=99
    )
    first_footage_frame: int | None = Field(
        None,
        description="Where in the footage it begins, counted on through its turns; where the segment before ends, when "
        "left out.",
        ge=0,
        le=2**31 - 1,
    )


class FilmRequest(BaseModel):
    """What a film is made of."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_tell_of_entries)

    script: Annotated[Text, Hint(text_file="SCRIPT")] = Field(
        description="What is said. Chinese and English may be mixed; marks of Markdown are not spoken. "
        'May hold pauses, <break time="1s"/>, and readings, [SQL|sequel].',
        max_length=MAX_SCRIPT_CHARACTERS,
    )
    footage: Annotated[Text, Hint(entry="footage")] = Field(
        "", description="Video or picture of the presenter; when left out, the one that comes with Vigent."
    )
    language: Text = Field("", description="BCP 47 language of the script; detected from the text when left out.")
    voice: Text = Field(
        "",
        description="Voice of the engine, or id or name of a recording in the voices library; the default voice "
        "when left out. Where the engine follows instructions, how to speak may follow a colon: "
        "'vivian: whispering'.",
    )
    pronunciations: Annotated[list[Text], Hint(option="--say", text_file="--say-file")] = Field(
        [],
        description='How a word is said: "SQL=sequel" (other words), "Chongqing=chong2 qing4" (pinyin with tones, or '
        'marks for them), "cube=/kju:b/" (IPA). Once for each word.',
        max_length=MOST_ENTRIES,
    )
    speed: float = Field(1.0, description="Speed of the voice; 1 is its own.", ge=0.5, le=2.0)
    reference: Annotated[Text, Hint(entry="voices", spec="reference_audio")] = Field(
        "", description="Recording whose speaker is cloned; needs the speaker's consent."
    )
    reference_text: Text = Field(
        "",
        description="What is said in the recording; transcribed, if possible, when left out.",
        max_length=LONGEST_TEXT,
    )
    reference_language: Text = Field("", description="BCP 47 language spoken in the recording.")
    voice_consent: Annotated[Consent | None, Hint(spec="consent", option="--consent")] = Field(
        None, description="Consent of the speaker in the recording; the library's own when left out."
    )
    title: Annotated[Text, Hint(text_file="--title-file")] = Field(
        "", description="Title over the first seconds.", max_length=60
    )
    title_style: Annotated[Text, Hint(entry="styles", role="title")] = Field("", description="Style of the title.")
    caption_style: Annotated[Text, Hint(entry="styles", role="subtitle", option="--style")] = Field(
        "", description="Style of the captions."
    )
    captions: Annotated[Literal["drawn", "files_only"], Hint(switch=("drawn", "files_only"))] = Field(
        "drawn", description="Whether captions are drawn into the picture; their files are made either way."
    )
    music: Annotated[Text | None, Hint(entry="music")] = Field(
        None, description="Music under the voice; none when left out."
    )
    music_gain_db: float = Field(
        -18.0, description="Gain of the music, in decibels from its own level.", ge=-60.0, le=12.0
    )
    music_start_s: float = Field(0.0, description="Where in the music the film begins, in seconds.", ge=0.0, le=600.0)
    platform: Text = Field("", description="Platform it is made for, such as tiktok; suits all when left out.")
    focus: Annotated[Text, AfterValidator(_focus)] = Field(
        "",
        description="What the film keeps of wider footage: shares of its width and height, such as 0.3,0.4; the "
        "presenter's face, which it follows, when left out.",
        max_length=40,
    )
    width: int = Field(1080, description="Film width in pixels, even.", ge=128, le=2160, multiple_of=2)
    height: int = Field(1920, description="Film height in pixels, even.", ge=128, le=2160, multiple_of=2)
    quality: Literal["draft", "standard", "best"] = Field(
        "standard", description="How much work goes into the lip-sync."
    )
    seed: int = Field(
        0, description="Starts all that is random; the same seed makes the same film.", ge=0, le=2**64 - 1
    )
    ai_label: bool = Field(True, description="Whether the film is labelled as made by AI; the choice is recorded.")
    loudness: Literal["online", "podcast", "broadcast", "off"] = Field(
        "online", description="Loudness of the film: -14, -16 or -23 LUFS, or the voice's own level."
    )
    consent: Annotated[Consent | None, Hint(spec="face_consent", option="--face-consent")] = Field(
        None, description="Consent of the person in the footage; kept with the job."
    )
    segment_choices: Annotated[list[SegmentChoice], Hint(option="--segment")] = Field(
        [],
        description='What is chosen for single segments: voice, take, place in the footage. {"segment": 3, "take": 1}.',
        max_length=1_000,
    )


HINTS: dict[str, Hint] = {
    name: next((hint for hint in field.metadata if isinstance(hint, Hint)), Hint())
    for name, field in FilmRequest.model_fields.items()
}


def film_request(fields: Mapping[str, object], documented: str) -> FilmRequest:
    """The request. Raises InvalidInputError naming the field at fault; `documented` is where people look fields up."""
    try:
        return FilmRequest.model_validate(fields)
    except ValidationError as error:
        raise invalid_input_of(dict(error.errors()[0]), documented) from error
