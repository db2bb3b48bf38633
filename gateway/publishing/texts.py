"""What is written beside a film, and how platforms count it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.fields import Text
from gateway.publishing.platforms import Platform, Unit

_SPACES = re.compile(r"[\s,，、#＃]+")


def _tag(text: str) -> str:
    """A tag as platforms take it: one word without a mark before it."""
    return _SPACES.sub(" ", text).strip()


def _tags(texts: list[str]) -> list[str]:
    """Without empty ones, each once in whatever case."""
    return list({tag.casefold(): tag for text in reversed(texts) if (tag := _tag(text))}.values())[::-1]


class Texts(BaseModel):
    """What is written beside a film. Longer than any platform takes is kept, so that it can be shortened."""

    model_config = ConfigDict(extra="forbid")

    title: Text = Field(default="", description="Title.", max_length=500)
    description: Text = Field(default="", description="Description.", max_length=20_000)
    tags: Annotated[list[Annotated[Text, Field(max_length=200)]], AfterValidator(_tags)] = Field(
        default=[], description="Tags without #; each once.", max_length=100
    )


def described(texts: Texts, platform: Platform) -> str:
    """The description as it is pasted: with its tags where the platform has no field for them."""
    text = texts.description.strip()
    if platform.tags.place == "field" or not texts.tags:
        return text
    hashes = " ".join(f"#{tag.replace(' ', '')}" for tag in texts.tags)
    return f"{text}\n\n{hashes}" if text else hashes


def length(text: str, unit: Unit) -> int:
    """How long a text is for a platform."""
    match unit:
        case "characters":
            return len(text)
        case "utf16":
            return len(text.encode("utf-16-le")) // 2
        case "bytes":
            return len(text.encode())


def tags_length(tags: list[str]) -> int:
    """All tags as YouTube counts them: a comma between two, quotation marks around one that has a space.

    developers.google.com/youtube/v3/docs/videos, snippet.tags[].
    """
    return sum(len(tag) + 2 * (" " in tag) for tag in tags) + max(0, len(tags) - 1)
