"""Callers that all come back at once would keep a server where it is: they take turns, and none is lost."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from services.base.client import remote_errors, retrying
from services.base.pauses import RetryBudget, RetryShare
from tests.support.servers import TIMEOUT_S, events, serving, until_event
from vigent.tts.v1 import tts_pb2

REFUSED = 'vigent_admission_refused_total{reason="queue_full",service="tts"}'
CALLERS = 30
ALLOWED = RetryShare(share=0.2, rate_hz=5, burst=5)


@pytest.mark.fault(
    "retry storm",
    promised="Callers in one process share a budget for each service: retries are a fifth of first calls, and one a "
    "second beyond that; the others wait their turn, and none is lost. No retry comes before the server asked for it.",
)
async def test_retries_are_bounded_however_many_wait(tmp_path: Path) -> None:
    async with serving(tmp_path, {"action": "wait", "only_for": "long"}, stall_budget_s=600, queue_limit=0) as server:
        working = server.speak("long", timeout_s=10 * TIMEOUT_S)
        await until_event(working, "accepted")
        budget, began_s = RetryBudget(ALLOWED), time.monotonic()

        async def caller() -> str:
            async for attempt in retrying(outage_s=1000, budget=budget):
                with attempt, remote_errors():
                    said = await events(server.tts.Synthesize(tts_pb2.SynthesizeRequest(text="a"), timeout=TIMEOUT_S))
            return said[-1]

        callers = [asyncio.create_task(caller()) for _ in range(CALLERS)]
        await server.until_count(REFUSED, 2 * CALLERS)
        refused = (await server.metrics())[REFUSED]
        most = ALLOWED.burst + ALLOWED.share * CALLERS + ALLOWED.rate_hz * (time.monotonic() - began_s)
        assert refused - CALLERS <= most
        working.cancel()
        assert set(await asyncio.gather(*callers)) == {"done"}
