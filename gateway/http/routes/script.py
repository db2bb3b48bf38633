"""A script as the film will have it, asked for while it is being written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter

from gateway.films.script import Means, ScriptRequest, ScriptView, script_view
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.http.routes.library import engine_voices
from services.base.errors import VigentError
from services.typography.fonts import Typeface, typeface
from services.typography.styles import load_style

router = APIRouter(prefix="/api/v1/script", tags=["jobs"], responses=PROBLEM_RESPONSES)


@router.post("", summary="Look at a script")
async def look_at_script(request: ScriptRequest, gateway: GatewayDep) -> ScriptView:
    """Cuts the script into sentences as the film does, and says how each is read and what may go wrong with it."""
    languages = await _languages(gateway, request.voice)
    return await asyncio.to_thread(_view, gateway, request, languages)


def _view(gateway: Gateway, request: ScriptRequest, languages: Sequence[str] | None) -> ScriptView:
    return script_view(request, Means(languages, _typeface(gateway, request.caption_style)))


async def _languages(gateway: Gateway, voice: str) -> Sequence[str] | None:
    """What the voice speaks; None for a recording, and while the voice server does not answer."""
    name = voice.partition(":")[0].strip()
    try:
        voices = await engine_voices(gateway)
    except VigentError:
        return None
    return next((each.languages for each in voices if name in ("", each.id)), None)


def _typeface(gateway: Gateway, style_id: str) -> Typeface | None:
    """None for a style that is gone: submitting the film says so."""
    try:
        font = load_style("subtitle", style_id, gateway.store)["font"]
        return typeface(font["id"], font["weight"])
    except VigentError:
        return None
