"""What the writing model is told: from a file that an operator may edit."""

from __future__ import annotations

import tomllib
from pathlib import Path
from string import Template
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from gateway.fields import SomeText, Text
from services.base.errors import FailedPreconditionError
from services.text.languages import primary_subtag
from services.text.sentences import MAX_SCRIPT_CHARACTERS

Task = Literal["draft", "shorten", "translate", "rewrite"]
TASKS: tuple[Task, ...] = get_args(Task)

_HAN_A_S, _WORDS_A_S = 4.5, 3.0
"""How fast the built-in voices speak, pauses included."""


class WritingRequest(BaseModel):
    """What is to be written."""

    model_config = ConfigDict(extra="forbid")

    task: Task = Field(description="What is to be done with the text.")
    text: SomeText = Field(
        description="The script; for a draft, what it is to be about.", max_length=MAX_SCRIPT_CHARACTERS
    )
    seconds: float | None = Field(None, description="Wished length when spoken; any, when null.", ge=3, le=1800)
    language: Text = Field(
        "", description="BCP 47 language of what is written; that of the text when left out.", max_length=35
    )
    wishes: Text = Field("", description="What else is wished, in any words.", max_length=2_000)


def messages(path: Path, request: WritingRequest) -> list[dict[str, str]]:
    """The messages of a chat. Raises FailedPreconditionError (WRITER_PROMPTS) for a file that cannot be used."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        prompt = Template(f"{told['tasks'][request.task].strip()}\n\n{told['every']['rules'].strip()}")
        values = {"length": _length(request), "language": _language(request), "wishes": request.wishes.strip()}
        system = prompt.substitute(values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = f"Mend {path}, or take the one that comes with Vigent."
        problem = f"The prompts of the writing model cannot be used: {error}."
        raise FailedPreconditionError(problem, remedy, reason="WRITER_PROMPTS") from error
    return [{"role": "system", "content": system}, {"role": "user", "content": request.text}]


def _length(request: WritingRequest) -> str:
    if request.seconds is None:
        return "as long as it takes"
    words = f"{round(request.seconds * _WORDS_A_S)} words"
    han = f"{round(request.seconds * _HAN_A_S)} Chinese characters"
    if request.language:
        amount = han if primary_subtag(request.language) == "zh" else words
    else:
        amount = f"{han}, or {words} of another language"
    return f"about {request.seconds:g} seconds when spoken: {amount}"


def _language(request: WritingRequest) -> str:
    return request.language or "the language of the text"
