"""What the routes work with: one of each for a running gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from gateway.access.keys import KeyRing
from gateway.http.encoding import Encoders
from gateway.http.metrics import GatewayMetrics
from gateway.http.replicas import MeshWatch
from gateway.http.unfinished import UnfinishedUploads
from gateway.http.uploads import Uploads
from gateway.library.library import Library
from gateway.publishing.connectors.connectors import Connectors, open_connectors
from gateway.publishing.pack import Packer
from gateway.publishing.records import Records
from gateway.settings import GatewaySettings
from gateway.writing.writer import Writer
from orchestrator.client import JobClient, calling
from services.base.client import open_channel
from services.base.names import FULL_NAMES
from services.media.storage.opening import open_store
from services.media.store import MediaStore
from services.text.notation.dictionary import Dictionary
from services.typography.fonts import use_uploaded_fonts
from vigent.asr.v1.asr_pb2_grpc import AsrServiceStub
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway."""

    settings: GatewaySettings
    store: MediaStore
    library: Library
    uploads: Uploads
    encoders: Encoders
    packer: Packer
    records: Records
    jobs: JobClient
    mesh: MeshWatch
    metrics: GatewayMetrics
    keys: KeyRing
    writer: Writer
    connectors: Connectors | None
    tts: TtsServiceStub
    asr: AsrServiceStub
    dictionary: Dictionary
    stopping: asyncio.Event

    def calling(self, service: str) -> AbstractContextManager[None]:
        """Wraps calls to a service: turns its errors into ours, and names its address when it does not answer."""
        return calling(f"{service} server", ", ".join(self.settings.targets(service)))


@asynccontextmanager
async def open_gateway(
    settings: GatewaySettings,
    metrics: GatewayMetrics,
    stopping: asyncio.Event,
    keys: KeyRing,
    unfinished: UnfinishedUploads,
) -> AsyncIterator[Gateway]:
    """Builds the parts on the running event loop, and closes them in the end. `stopping` ends endless streams.

    Raises InvalidInputError when a reading of the settings cannot be read.
    """
    dictionary = Dictionary.of(settings.pronunciations, "pronunciations")
    store = await asyncio.to_thread(open_store, settings.media_root)
    use_uploaded_fonts(store.root)
    mesh = MeshWatch(settings)
    jobs = JobClient(_balanced(settings.targets("orchestrator")), settings.waits.call_timeout_s)
    tts, asr = (open_channel(_balanced(settings.targets(name)), FULL_NAMES[name]) for name in ("tts", "asr"))
    unfinished.open(store)
    uploads = Uploads(store, unfinished, settings.uploads_at_once)
    encoders = Encoders(settings.encoders_at_once, settings.speech_timeout_s)
    library = Library(settings, store)
    packer = Packer(store, settings.packs_at_once, settings.pack_limit_s)
    records = Records(store.root / "publications")
    collecting = asyncio.create_task(unfinished.collect_until(stopping))
    try:
        # Stubs are made here, while their channels are open: on a closed one grpcio 1.85 crashes.
        stubs = TtsServiceStub(tts), AsrServiceStub(asr)
        async with open_connectors(settings, jobs, records, packer) as connectors:
            parts = settings, store, library, uploads, encoders, packer, records, jobs, mesh, metrics, keys
            yield Gateway(*parts, Writer(settings), connectors, *stubs, dictionary, stopping)
    finally:
        collecting.cancel()
        for part in (tts, asr, jobs, mesh):
            await part.close()


def gateway_of(request: Request) -> Gateway:
    """The gateway that answers this request."""
    gateway: Gateway = request.app.state.gateway
    return gateway


GatewayDep = Annotated[Gateway, Depends(gateway_of)]


def _balanced(targets: list[str]) -> str:
    """One gRPC target for all replicas; several must be given by IP address."""
    return targets[0] if len(targets) == 1 else f"ipv4:{','.join(targets)}"
