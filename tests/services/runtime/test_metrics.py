from __future__ import annotations

import asyncio
from itertools import cycle
from pathlib import Path

from prometheus_client import generate_latest

from services.base.settings import ServerSettings
from services.enginekit.settings import EngineSettings
from services.runtime.metrics import ServerMetrics
from services.runtime.worker.messages import Boot, Candidate, Choice
from services.runtime.worker.worker import State, Worker
from tests.support.servers import SETTINGS, events, serving, until_event

STAGES = ("import", "construct", "attributes")
HISTOGRAMS = ("vigent_request_seconds", "vigent_first_chunk_seconds", "vigent_realtime_factor")


async def test_scrape_has_the_public_names(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await events(server.speak("abcd"))
        scraped = await server.metrics()
        assert scraped['vigent_requests_total{code="OK",method="Synthesize",service="tts"}'] == 1
        for name in HISTOGRAMS:
            assert scraped[f'{name}_count{{method="Synthesize",service="tts"}}'] == 1
        assert scraped['vigent_worker_units_total{phase="synthesize",service="tts"}'] == 4
        assert scraped['vigent_worker_state{service="tts",state="idle"}'] == 1
        assert sum(value for name, value in scraped.items() if "worker_state" in name) == 1
        assert 0 <= scraped['vigent_worker_progress_age_seconds{service="tts"}'] < 100
        assert scraped['vigent_worker_stall_budget_seconds{service="tts"}'] == SETTINGS["stall_budget_s"]
        assert scraped['vigent_worker_active_requests{service="tts"}'] == 0
        assert scraped['vigent_queue_depth{service="tts"}'] == 0
        assert scraped['vigent_device_memory_bytes{service="tts"}'] == 0
        assert scraped['vigent_device_memory_used_bytes{service="tts"}'] == 0
        assert scraped['vigent_worker_resident_memory_bytes{service="tts"}'] > 10e6
        assert scraped["process_resident_memory_bytes"] > 10e6


class Restless(Worker):
    """In another state whenever somebody looks."""

    states = cycle(State)

    @property
    def state(self) -> State:
        return next(self.states)


async def test_one_state_is_told_though_it_changes_meanwhile() -> None:
    metrics = ServerMetrics("tts")
    boot = Boot("tts", Choice((Candidate("", "", EngineSettings()),)), (), 0, 1, 8, 1, 1, 1, "INFO", 0)
    metrics.watch(Restless(boot, ServerSettings.load("tts"), metrics))
    scraped = generate_latest(metrics.registry).decode()
    assert sum(line.endswith(" 1.0") for line in scraped.splitlines() if line.startswith("vigent_worker_state{")) == 1


async def test_stages_of_loading_are_timed(tmp_path: Path) -> None:
    async with serving(tmp_path, {"load_delay_s": 0.3}) as server:
        labels = 'engine="tests.knobs.tts:KnobsTts",service="tts",stage='
        stages = {name: value for name, value in (await server.metrics()).items() if "engine_load_seconds" in name}
        assert list(stages) == [f'vigent_engine_load_seconds{{{labels}"{stage}"}}' for stage in STAGES]
        assert min(stages.values()) > 0
        assert max(stages.values()) > 0.3


async def test_working_engine_is_seen_to_work(tmp_path: Path) -> None:
    async with serving(tmp_path, {"delay_s": 0.02, "budget_s": 30}) as server:
        call = server.speak("a" * 1000)
        await until_event(call)
        await server.until_metric('vigent_worker_state{service="tts",state="progressing"}')
        first = await server.metrics()
        assert first['vigent_worker_active_requests{service="tts"}'] == 1
        reading = asyncio.create_task(events(call))
        await server.until_metric('vigent_worker_stall_budget_seconds{service="tts"}', 30)  # while it computes
        units = 'vigent_worker_units_total{phase="synthesize",service="tts"}'
        await server.until_count(units, first.get(units, 0) + 1)
        reading.cancel()


async def test_realtime_factor_is_wall_over_media(tmp_path: Path) -> None:
    """Ten characters are 0.8 s of sound, made in at least 2 s."""
    async with serving(tmp_path, {"delay_s": 0.2}) as server:
        await events(server.speak("a" * 10))
        scraped = await server.metrics()
        factor = scraped['vigent_realtime_factor_sum{method="Synthesize",service="tts"}']
        wall_s = scraped['vigent_request_seconds_sum{method="Synthesize",service="tts"}']
        assert 2 <= factor * 0.8 <= wall_s
