"""Whoever measures is never in the way of whoever is served."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.servers import SERVING, events, serving

SCRAPERS, SILENT, CALLS = 8, 50, 40


@pytest.mark.fault(
    "metrics scraped hard, or never",
    promised="No call waits for a scrape, and nothing is pushed: a Prometheus that is down is not missed.",
)
async def test_calls_go_on_while_metrics_are_scraped_hard(tmp_path: Path) -> None:
    """By several at once without a pause, beside others who connect and say nothing."""
    async with serving(tmp_path, queue_limit=CALLS) as server, AsyncExitStack() as stack:
        host, port = server.metrics_address.split(":")
        for _ in range(SILENT):
            _, writer = await asyncio.open_connection(host, int(port))
            stack.callback(writer.close)
        scraped, done = 0, asyncio.Event()

        async def scrape() -> None:
            nonlocal scraped
            while not done.is_set():
                assert await server.metrics()
                scraped += 1

        async with asyncio.TaskGroup() as group:
            scrapers = [group.create_task(scrape()) for _ in range(SCRAPERS)]
            calls = [group.create_task(events(server.speak())) for _ in range(CALLS)]
            await asyncio.wait(calls)
            assert await server.check() == SERVING
            done.set()
        assert {call.result()[-1] for call in calls} == {"done"}
        assert scraped >= len(scrapers)
        assert server.workers()
