"""`vigent voices`: who can speak."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.connect import DataOption, find, load_settings
from gateway.cli.output import out
from gateway.cli.waiting import telling, until_answered
from gateway.mesh.addresses import DEFAULT_DATA
from gateway.mesh.plan import MeshPlan
from gateway.mesh.policy import ONE_TRY
from gateway.mesh.supervisor import Supervisor
from orchestrator.client import calling
from services.base.client import open_channel
from services.base.errors import NotFoundError
from services.base.names import FULL_NAMES
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub

_ANSWER_S = 10.0
_SHOWN_LANGUAGES = 12


def voices(
    language: Annotated[str, typer.Option(help="Only voices that speak this BCP 47 language.")] = "",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """List the voices. Starts the voice server for a moment if no mesh is running."""
    found = asyncio.run(_voices(language, data))
    if not found:
        raise NotFoundError(f"No voice speaks {language!r}.", "Leave --language out to see all voices.", "--language")
    table = Table("id", "name", "sex", "languages", "licence", box=None)
    for voice in found:
        more = len(voice.languages) - _SHOWN_LANGUAGES
        shown = " ".join(voice.languages[:_SHOWN_LANGUAGES]) + (f" and {more} more" if more > 0 else "")
        table.add_row(voice.id, voice.name, voice.sex, shown, voice.licence)
    out.print(table)


async def _voices(language: str, data: Path) -> list[tts_pb2.Voice]:
    settings = load_settings(data)
    async with AsyncExitStack() as stack:
        address = await find("tts", data, settings)
        if address is None:
            plan = MeshPlan.here(port_base=0)
            mesh = Supervisor(plan, data, lambda _name, _line: None, ("tts",), ONE_TRY)
            await stack.enter_async_context(mesh)
            async with telling(mesh.unready):
                await mesh.wait_ready()
            address = plan.addresses.address("tts")
        channel = await stack.enter_async_context(open_channel(address, FULL_NAMES["tts"]))
        request = tts_pb2.ListVoicesRequest(language=language)
        async with until_answered("tts", address):
            with calling("tts server", address):
                response = await TtsServiceStub(channel).ListVoices(request, timeout=_ANSWER_S)
    return list(response.voices)
