"""The voices that OpenAI's clients name, as voices of the engine that speaks."""

from __future__ import annotations

from gateway.http.context import Gateway
from gateway.http.routes.library import engine_voices
from services.text.languages import language_by_script, primary_subtag

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
    "marin": "woman-bright",
    "cedar": "man-deep",
}
"""OpenAI's names, and what an engine calls a voice of that kind."""


async def engine_voice(gateway: Gateway, name: str, text: str) -> str:
    """Id of the voice that `name` means. If the engine lacks it, each name maps to one fixed voice of the engine.

    It is one that speaks the language of `text`, and a woman's or a man's as `name` is, where the engine has such.
    """
    if name not in LIKELY:
        return name
    own = await engine_voices(gateway)
    ids = [voice.id for voice in own]
    if name in ids or not own:
        return name
    if LIKELY[name] in ids:
        return LIKELY[name]
    language = language_by_script(text)
    fitting = [voice for voice in own if language in map(primary_subtag, voice.languages)] or own
    sex = "female" if LIKELY[name].startswith("woman") else "male"
    alike = [voice for voice in fitting if voice.sex == sex] or fitting
    return alike[list(LIKELY).index(name) % len(alike)].id
