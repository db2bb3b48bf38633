"""The voices that OpenAI's clients name, as voices of the engine that speaks."""

from __future__ import annotations

from gateway.http.context import Gateway
from gateway.http.routes.library import engine_voices

LIKELY = {
    "alloy": "woman",
    "ash": "man",
    "ballad": "man-bright",
    "coral": "woman-bright",
    "echo": "man-high",
    "fable": "man-bright",
    "onyx": "man-deep",
    "nova": "woman-bright",
    "sage": "woman-deep",
    "shimmer": "woman-high",
    "verse": "man",
}
"""OpenAI's names, and what an engine calls a voice of that kind."""


async def engine_voice(gateway: Gateway, name: str) -> str:
    """Id of the voice that `name` means. If the engine lacks it, each name maps to one fixed voice of the engine."""
    if name not in LIKELY:
        return name
    own = [voice.id for voice in await engine_voices(gateway)]
    if name in own or not own:
        return name
    return LIKELY[name] if LIKELY[name] in own else own[list(LIKELY).index(name) % len(own)]
