"""The libraries: footage, voices, music, fonts and styles are listed, uploaded and deleted alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError

from gateway.fields import invalid_input_of, shortened
from gateway.http.context import Gateway, GatewayDep
from gateway.http.problems import PROBLEM_RESPONSES
from gateway.http.uploads import IN_PARTS
from gateway.http.usage import is_of_a_job, refuse_while_used
from gateway.library.assets import (
    Asset,
    Description,
    EngineVoice,
    Font,
    Footage,
    Kind,
    Music,
    Style,
    StyleDescription,
    Voice,
    VoiceDescription,
    Voices,
)
from gateway.library.library import entry_name, folded
from services.base.errors import AlreadyExistsError, VigentError
from vigent.tts.v1 import tts_pb2

PREFIX = "/api/v1"
KINDS: dict[Kind, tuple[type[Asset], type[Description], str]] = {
    "footage": (Footage, Description, "A presenter's video or picture"),
    "voices": (Voice, VoiceDescription, "A recording of a voice to clone"),
    "music": (Music, Description, "Music"),
    "fonts": (Font, Description, "A font"),
    "styles": (Style, StyleDescription, "A caption or title style"),
}
UPLOAD_PATHS = frozenset(f"{PREFIX}/{kind}" for kind in KINDS)

AssetT = TypeVar("AssetT", bound=BaseModel)


class Page(BaseModel, Generic[AssetT]):
    """All entries of a library."""

    items: list[AssetT] = Field(description="Uploads and what comes with Vigent.")


def library_router(kind: Kind) -> APIRouter:
    """The routes of one library."""
    asset_type, description_type, what = KINDS[kind]
    router = APIRouter(prefix=f"{PREFIX}/{kind}", tags=["library"], responses=PROBLEM_RESPONSES)
    listing = _list_voices if kind == "voices" else _lister(kind)
    page = Voices if kind == "voices" else Page[asset_type]  # type: ignore[valid-type]
    router.add_api_route("", listing, methods=["GET"], summary=f"List {kind}", response_model=page)
    router.add_api_route(
        "",
        _uploader(kind, description_type),
        methods=["POST"],
        status_code=201,
        summary=f"Upload {kind}",
        description=f"{what}; it is inspected first. The same content again updates its description (200).",
        response_model=asset_type,
        responses={200: {"model": asset_type, "description": "It was there already; its description is updated."}},
        openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": _form(description_type)}}},
    )
    router.add_api_route(
        "/{asset_id}",
        _remover(kind),
        methods=["DELETE"],
        status_code=204,
        summary=f"Delete {kind}",
        description="Deletes an upload. Refused (409) while a style or an unfinished job uses it, or if it is bundled.",
    )
    return router


def _lister(kind: Kind) -> Callable[[GatewayDep], Awaitable[dict[str, Any]]]:
    async def list_library(gateway: GatewayDep) -> dict[str, Any]:
        return {"items": await asyncio.to_thread(gateway.library.entries, kind)}

    list_library.__name__, list_library.__doc__ = f"list_{kind}", f"All {kind}: uploads and what comes with Vigent."
    return list_library


def _uploader(
    kind: Kind, description_type: type[Description]
) -> Callable[[Request, GatewayDep, Response], Awaitable[Asset]]:
    async def upload(request: Request, gateway: GatewayDep, response: Response) -> Asset:
        async with gateway.uploads.receive(request) as form:
            description = described(description_type, form.fields)
            if kind == "voices":
                await _refuse_name_of_engine(gateway, entry_name(kind, form.file_name, description))
            asset, existed = await asyncio.to_thread(gateway.library.add, kind, form.path, form.file_name, description)
        response.status_code = 200 if existed else 201
        return asset

    upload.__name__ = f"upload_{kind}"
    return upload


async def _refuse_name_of_engine(gateway: Gateway, name: str) -> None:
    """A job names either kind of voice: one of the engine's could no longer be chosen. Raises AlreadyExistsError."""
    if any(folded(voice.id) == folded(name) for voice in await engine_voices(gateway)):
        problem = f"A voice of the engine is called {shortened(name)}."
        raise AlreadyExistsError(problem, "Give the recording another name.", "name", "NAME_TAKEN")


def _remover(kind: Kind) -> Callable[[str, GatewayDep], Awaitable[None]]:
    async def remove(asset_id: str, gateway: GatewayDep) -> None:
        asset = await asyncio.to_thread(gateway.library.find, kind, asset_id)
        keep_file = False
        if not asset.bundled:
            await refuse_while_used(gateway, kind, asset_id)
            keep_file = await is_of_a_job(gateway, asset_id)
        await asyncio.to_thread(gateway.library.remove, kind, asset_id, keep_file=keep_file)

    remove.__name__ = f"delete_{kind}"
    return remove


async def _list_voices(gateway: GatewayDep) -> Voices:
    """The engine's voices and uploaded recordings; the latter even when the voice server does not answer."""
    own = [asset for asset in await asyncio.to_thread(gateway.library.entries, "voices") if isinstance(asset, Voice)]
    try:
        return Voices(engine=await engine_voices(gateway), items=own)
    except VigentError as error:
        return Voices(engine=[], problem=str(error), items=own)


async def engine_voices(gateway: Gateway) -> list[EngineVoice]:
    """Voices of the engine, default first."""
    with gateway.calling("tts"):
        response = await gateway.tts.ListVoices(
            tts_pb2.ListVoicesRequest(), timeout=gateway.settings.waits.call_timeout_s
        )
    return [
        EngineVoice(id=voice.id, name=voice.name, languages=list(voice.languages), sex=voice.sex, licence=voice.licence)
        for voice in response.voices
    ]


def described(description_type: type[Description], fields: Mapping[str, object]) -> Description:
    """The form's text fields. Raises InvalidInputError naming the field at fault."""
    try:
        return description_type.model_validate(fields)
    except ValidationError as error:
        raise invalid_input_of(dict(error.errors()[0])) from error


def _form(description_type: type[Description]) -> dict[str, Any]:
    schema = description_type.model_json_schema()
    file = {"type": "string", "format": "binary", "description": "The file, unless `upload` stands for it."}
    upload = {"type": "string", "description": "Id of a whole upload that was sent in parts, to /api/v1/uploads."}
    schema["properties"] = {"file": file, IN_PARTS: upload, **schema["properties"]}
    return {"schema": schema}
