"""A worker without a server."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

from services.base.errors import (
    VigentError,
)
from services.base.settings import ServerSettings
from services.runtime.choice import engine_settings
from services.runtime.metrics import ServerMetrics
from services.runtime.worker.messages import Boot, Candidate, Choice
from services.runtime.worker.worker import Worker
from tests.support.servers import TIMEOUT_S


@contextlib.asynccontextmanager
async def working(
    engine: str = "EchoEngine", module: str = "tests.support.engines", **settings: object
) -> AsyncIterator[Worker]:
    """A worker of an engine in engines.py that is ready, or cannot be."""
    chosen = ServerSettings.load("tts", **settings)
    boot = Boot(
        service="tts",
        choice=Choice((Candidate("echo", f"{module}:{engine}", engine_settings(chosen)),)),
        attributes=("rate_hz", "languages", "warm", "options"),
        epoch=0,
        slots=chosen.slots,
        window=8,
        stall_budget_s=chosen.stall_budget_s,
        load_budget_s=chosen.load_budget_s,
        warm_up_budget_s=chosen.warm_up_budget_s,
        log_level="INFO",
        parent=os.getpid(),
    )
    worker = Worker(boot, chosen, ServerMetrics("tts"))
    running = asyncio.create_task(worker.run())
    changed = asyncio.create_task(worker.changed.wait())
    try:
        await asyncio.wait({running, changed}, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            await running
        yield worker
    finally:
        changed.cancel()
        running.cancel()
        await worker.close()
        with contextlib.suppress(VigentError, asyncio.CancelledError):
            await running
