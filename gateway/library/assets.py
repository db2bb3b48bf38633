"""The entries of the libraries, as they are listed and as they are kept in the indexes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import Consent, SomeText, UtcTime
from services.text.plain_text import LONGEST_TEXT

Kind = Literal["footage", "voices", "music", "fonts", "styles"]
StyleRole = Literal["subtitle", "title"]


class Asset(BaseModel):
    """What every entry has."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="SHA-256 of the content; styles that come with Vigent have short names.")
    name: str = Field(description="Display name.")
    names: dict[str, str] = Field(default_factory=dict, description="Display names by BCP 47 language, if any.")
    licence: str = Field("", description="SPDX identifier or free text.")
    source: str = Field("", description="Where it comes from.")
    bundled: bool = Field(False, description="Whether it comes with Vigent and cannot be deleted.")
    mime_type: str = Field("", description="IANA media type, detected from the content.")
    size_bytes: int = Field(0, description="Length of the file in bytes.")
    create_time: datetime | None = Field(None, description="When it was uploaded.")
    url: str = Field("", description="Path of the file on this gateway; its content never changes.")


class Footage(Asset):
    """A presenter's video or picture, upright."""

    width: int = Field(description="Width in pixels once upright.")
    height: int = Field(description="Height in pixels once upright.")
    frames: int = Field(description="Number of frames; 1 for a picture.")
    frame_rate_hz: float = Field(description="Frames per second.")
    duration_s: float = Field(description="Length in seconds.")
    notes: list[str] = Field(default_factory=list, description="What could not be read, and other notes on the file.")
    poster: str = Field("", description="SHA-256 of a small JPEG of it.")
    poster_url: str = Field("", description="Path of that JPEG on this gateway.")


class Music(Asset):
    """Music under the voice."""

    duration_s: float = Field(description="Length in seconds.")
    sample_rate_hz: int = Field(description="Samples per second and channel.")
    channels: int = Field(description="1 for mono, 2 for stereo.")
    loudness_lufs: float = Field(description="Integrated loudness (EBU R 128).")
    true_peak_dbtp: float = Field(description="Highest peak between and on samples (EBU R 128); 0 is full scale.")
    waveform: list[float] = Field(description="Peaks of equally long stretches, 0 to 1.")
    notes: list[str] = Field(default_factory=list, description="What could not be read, and other notes on the file.")


class Voice(Music):
    """A recording whose speaker is cloned, with the consent given for it."""

    languages: list[str] = Field(description="BCP 47 languages that the speaker speaks.")
    reference_text: str = Field(description="What is said in the recording; transcribed when empty.")
    consent: Consent = Field(description="Consent of the speaker.")


class EngineVoice(BaseModel):
    """A voice of the engine."""

    id: str = Field(description="Use it as a job's `voice`.")
    name: str = Field(description="Display name.")
    languages: list[str] = Field(description="BCP 47 languages that it speaks.")
    sex: str = Field("", description="female or male; empty where a voice has none.")
    licence: str = Field("", description="SPDX identifier of its licence; empty where none is known.")


class Voices(BaseModel):
    """The engine's own voices, default first, and the recordings whose speakers can be cloned."""

    engine: list[EngineVoice] = Field(description="The engine's own, default first.")
    problem: str = Field(default="", description="Why the engine's voices could not be listed; empty if they were.")
    items: list[Voice] = Field(description="Recordings; their ids can be used as a job's `voice` too.")


class Font(Asset):
    """A font for captions and titles."""

    font_id: str = Field(description="Name by which styles ask for it, together with the weight.")
    family: str = Field(description="Name that players and browsers know.")
    weight: int = Field(description="OpenType weight class; 400 is regular, 700 bold.")
    italic: bool = Field(False, description="Whether it is italic.")
    glyphs: int = Field(description="Number of glyphs.")
    scripts: list[str] = Field(description="ISO 15924 codes of the scripts that it covers.")


class Style(Asset):
    """How captions or titles look."""

    role: StyleRole = Field(description="What it is for.")
    style: dict[str, Any] = Field(description="The style as in /assets/styles/schema.json, with defaults filled in.")


ASSET_TYPES: dict[Kind, type[Asset]] = {
    "footage": Footage,
    "voices": Voice,
    "music": Music,
    "fonts": Font,
    "styles": Style,
}


LONGEST_NAME = 200


class Description(BaseModel):
    """What the uploader says about a file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", description="Display name; the file name when left out.", max_length=LONGEST_NAME)
    licence: str = Field(default="", description="SPDX identifier or free text.", max_length=500)
    source: str = Field(default="", description="Where it comes from.", max_length=2_000)


class VoiceDescription(Description):
    """What the uploader of a voice says; without the speaker's consent no voice is kept."""

    languages: str = Field(default="", description="BCP 47 languages, separated by commas.", max_length=200)
    reference_text: str = Field(default="", description="What is said in the recording.", max_length=LONGEST_TEXT)
    person: SomeText = Field(description="Who agreed to being cloned.", max_length=200)
    statement: SomeText = Field(description="Wording of the agreement.", max_length=4_000)
    given_time: UtcTime | None = Field(default=None, description="When it was given; now, when left out.")


class StyleDescription(Description):
    """What the uploader of a style says."""

    role: StyleRole = Field(description="What it is for.")
