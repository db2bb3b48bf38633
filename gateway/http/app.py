"""The gateway as an ASGI application: guards, routes, error model, documentation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from gateway.access.callers import Doorkeeper
from gateway.access.keys import KeyFile, KeyRing
from gateway.access.limits import Limits
from gateway.http.access import Access
from gateway.http.admission import Admission, Admit
from gateway.http.context import open_gateway
from gateway.http.guard import BodyLimit, BodyPatience, SameSiteGuard
from gateway.http.metrics import CountRequests, GatewayMetrics
from gateway.http.problems import install_error_handlers, name_media_type
from gateway.http.routes import (
    assets,
    events,
    forecast,
    jobs,
    keys,
    models,
    outputs,
    probes,
    publishing,
    sample,
    script,
    services,
    sign_in,
    speech,
    transcriptions,
)
from gateway.http.routes.docs import mount_docs
from gateway.http.routes.library import KINDS, UPLOAD_PATHS, library_router
from gateway.http.routes.outside import connectors, writing
from gateway.http.routes.resumable import PATH, resumable_router
from gateway.http.routes.studio import mount_studio
from gateway.http.traces import TraceRequests
from gateway.http.unfinished import UnfinishedUploads
from gateway.settings import GatewaySettings

_BODY_LIMIT_BYTES = 2**20  # of a request that uploads no file
_DESCRIPTION = """
Turns a script, a voice and footage of a presenter into a finished talking-head short.

1. `POST /api/v1/footage` uploads the presenter; `GET /api/v1/footage` lists what is there already.
2. `POST /api/v1/jobs` submits the script.
3. `GET /api/v1/jobs/{id}/events` follows the progress; `/preview` plays what is finished.
4. `GET /api/v1/jobs/{id}/film.mp4` is the film.

Every error is a problem (RFC 9457, `application/problem+json`): `reason` is for programs, `field` names the input at
fault, `problem` says what is wrong and `remedy` what to do.
"""


class _Api(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            name_media_type(super().openapi())
        return super().openapi()


def create_app(
    settings: GatewaySettings, metrics: GatewayMetrics, admission: Admission, stopping: asyncio.Event
) -> FastAPI:
    """The application; its connections open and close with its lifespan.

    Set `stopping` when the server is to end: event streams would hold it up.
    """
    ring = KeyRing(KeyFile(settings.keys_file))
    unfinished = UnfinishedUploads(settings.upload_limit_bytes, settings.uploads_at_once)
    doorkeeper = Doorkeeper(ring, trusts_own_user=settings.loopback_is_open, studio_token=settings.studio_token)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_gateway(settings, metrics, stopping, ring, unfinished) as gateway:
            app.state.gateway = gateway
            yield

    app = _Api(
        title="Vigent",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},  # traces.py has ours
        generate_unique_id_function=_operation_id,
    )
    app.state.doorkeeper = doorkeeper
    install_error_handlers(app)
    _add_routes(app)
    app.include_router(resumable_router(unfinished))
    app.add_middleware(
        BodyLimit,
        limit_bytes=_BODY_LIMIT_BYTES,
        upload_bytes=settings.upload_limit_bytes,
        upload_paths=re.compile("|".join((*map(re.escape, (*UPLOAD_PATHS, transcriptions.PATH)), f"{PATH}/[0-9a-f]+"))),
        patience=BodyPatience(settings.waits.body_timeout_s, settings.waits.body_rate_bytes_per_s),
    )
    app.add_middleware(Admit, admission=admission)
    app.add_middleware(Access, doorkeeper=doorkeeper, limits=Limits())
    app.add_middleware(SameSiteGuard, allowed_hosts=settings.allowed_hosts.split(","))
    app.add_middleware(CountRequests, metrics=metrics)
    app.add_middleware(TraceRequests)
    return app


def _add_routes(app: FastAPI) -> None:
    for module in (
        *(script, writing, sample, forecast, publishing, connectors, jobs, events, outputs),
        *(services, probes, speech, transcriptions, models, keys),
    ):
        app.include_router(module.router)
    for kind in KINDS:
        app.include_router(library_router(kind))
    app.include_router(assets.router)
    app.include_router(sign_in.router)
    mount_docs(app)
    mount_studio(app)


def _operation_id(route: APIRoute) -> str:
    """The function's name: what a generated client calls the operation."""
    return route.name
