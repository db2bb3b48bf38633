"""What will become of a script, before any of it is spoken: its sentences, how they are read, and what may go wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import Text
from services.text.languages import language_by_script, primary_subtag
from services.text.markdown import marks
from services.text.normalise import read_aloud
from services.text.notation.dictionary import MOST_ENTRIES, Dictionary
from services.text.pasted import cue_times
from services.text.pasted_subtitles import CueTime
from services.text.sentences import MAX_SCRIPT_CHARACTERS, Sentence, language_to_say, split_script
from services.text.timing import spoken_units

if TYPE_CHECKING:  # what only draws is not loaded by those who only ask, such as the client
    from services.typography.fonts import Typeface

_SECONDS_A_UNIT = {"zh": 0.083}
_SECONDS_A_UNIT_ELSE = 0.066
"""Of `spoken_units`, pauses included: the built-in voices at speed 1 keep to them within a fifth."""
_LONG_S = 15.0
"""A viewer loses the thread of a longer sentence, and one face is held longer than shorts hold a picture."""

WarningReason = Literal["NO_VOICE", "GLYPH_MISSING", "LONG_SENTENCE", "MARKS_LEFT_OUT"]


class ScriptRequest(BaseModel):
    """A script, and what it is to be made with."""

    model_config = ConfigDict(extra="forbid")

    script: Text = Field(description="What is said.", max_length=MAX_SCRIPT_CHARACTERS)
    language: Text = Field("", description="BCP 47 language of the script; found from the text when left out.")
    voice: Text = Field("", description="Voice of the engine; its default voice when left out.")
    speed: float = Field(1.0, description="Speed of the voice.", ge=0.5, le=2.0)
    caption_style: Text = Field("", description="Id of the caption style; the default when left out.")
    pronunciations: list[Text] = Field([], description="How words are said, as in a job.", max_length=MOST_ENTRIES)


class ScriptWarning(BaseModel):
    """What may go wrong, in words and by name."""

    reason: WarningReason = Field(description="Machine-readable name.")
    problem: str = Field(description="What may go wrong.")
    subject: str = Field(description="The language, or the characters that have no glyph; empty for others.")


class ToldReading(BaseModel):
    """How a word of the sentence was told to be said."""

    word: str = Field(description="The word as it is written.")
    reading: str = Field(description="How it is said: other words, pinyin or IPA.")


class ScriptSentence(BaseModel):
    """One sentence, which becomes one segment of film."""

    text: str = Field(description="Its text, without marks of Markdown.")
    char_start: int = Field(description="Offset of its first character in the script, in Unicode code points.")
    char_end: int = Field(description="Offset just after its last character.")
    reading: str = Field(description="What is said: the text with its numbers and signs in words.")
    told: list[ToldReading] = Field(description="Readings that were told, by the script or its pronunciations.")
    language: str = Field(description="BCP 47 language that it is read in.")
    seconds: float = Field(description="About how long it takes to say.")
    subtitle_start_s: float | None = Field(description="When the pasted subtitles show it; null for other scripts.")
    subtitle_end_s: float | None = Field(description="Until when they do; null where they do not say.")
    warnings: list[ScriptWarning] = Field(description="What may go wrong with it.")


class ScriptView(BaseModel):
    """The script as the film will have it."""

    sentences: list[ScriptSentence] = Field(description="In order.")
    characters: int = Field(description="Characters of the script that are spoken.")
    seconds: float = Field(description="About how long the film will be.")
    warnings: list[ScriptWarning] = Field(description="What is to be said of the whole script.")


@dataclass(frozen=True)
class Means:
    """What the script is spoken and written with: languages of the voice (None: not known), typeface of captions."""

    languages: Sequence[str] | None
    typeface: Typeface | None


def script_view(request: ScriptRequest, means: Means) -> ScriptView:
    """The script cut and read as the film will be.

    Raises InvalidInputError for the field "spec.script", and for "pronunciations".
    """
    dictionary, cues = Dictionary.of(request.pronunciations, "pronunciations"), cue_times(request.script)
    told = [
        replace(sentence, pronunciations=dictionary.pronunciations(sentence.text, sentence.pronunciations))
        for sentence in split_script(request.script)
    ]
    sentences = [_sentence_view(sentence, request, means, cues) for sentence in told]
    return ScriptView(
        sentences=sentences,
        characters=sum(len(sentence.text) for sentence in sentences),
        seconds=round(sum(sentence.seconds for sentence in sentences), 1),
        warnings=list(_marks_left_out(request.script)),
    )


def _sentence_view(sentence: Sentence, request: ScriptRequest, means: Means, cues: Sequence[CueTime]) -> ScriptSentence:
    said = language_to_say(sentence.text, request.language, request.script) or language_by_script(sentence.text)
    language = primary_subtag(said)
    reading = read_aloud(sentence.text, language, sentence.pronunciations).said
    seconds = spoken_units(reading) * _SECONDS_A_UNIT.get(language, _SECONDS_A_UNIT_ELSE) / request.speed
    cue = next((cue for cue in reversed(cues) if cue.char_start <= sentence.char_start), None)
    return ScriptSentence(
        text=sentence.text,
        char_start=sentence.char_start,
        char_end=sentence.char_end,
        reading=reading,
        told=[
            ToldReading(word=sentence.text[each.char_start : each.char_end], reading=each.reading)
            for each in sentence.pronunciations
        ],
        language=language,
        seconds=round(seconds, 1),
        subtitle_start_s=cue.start_s if cue else None,
        subtitle_end_s=cue.end_s if cue else None,
        warnings=list(_warnings(sentence.text, language, seconds, means)),
    )


def _warnings(text: str, language: str, seconds: float, means: Means) -> Iterator[ScriptWarning]:
    if means.languages is not None and language not in map(primary_subtag, means.languages):
        problem = f"The voice does not speak {language!r}: choose another voice."
        yield ScriptWarning(reason="NO_VOICE", problem=problem, subject=language)
    if means.typeface and (missing := "".join(means.typeface.missing(text))):
        problem = f"The font of the captions has no glyph for {missing}: choose another style."
        yield ScriptWarning(reason="GLYPH_MISSING", problem=problem, subject=missing)
    if seconds > _LONG_S:
        problem = f"It takes about {seconds:.0f} seconds to say: divide it."
        yield ScriptWarning(reason="LONG_SENTENCE", problem=problem, subject="")


def _marks_left_out(script: str) -> Iterator[ScriptWarning]:
    found = [script[start:end].strip() for start, end in marks(script)]
    if shown := " ".join(dict.fromkeys(filter(None, found))):
        problem = f"Marks of Markdown are neither spoken nor shown: {shown[:40]}"
        yield ScriptWarning(reason="MARKS_LEFT_OUT", problem=problem, subject=shown[:40])
