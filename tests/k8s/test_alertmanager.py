"""From a frozen engine to the pod that is restarted: real Prometheus, real Alertmanager, and the slow loop between."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from tests.support.alertmanager import alertmanager
from tests.support.kubernetes_api import kubernetes_api
from tests.support.prometheus import hastened_rules, scraping
from tests.support.servers import poll, serving, until_event
from tests.support.slow_loop import TOKEN, slow_loop

PATIENT = {"stall_budget_s": 2, "recovery__cancel_grace_s": 600, "canary_interval_s": 0}
"""A hung worker is not replaced: it stands for one that cannot be killed."""


async def test_a_frozen_engine_is_told_and_its_pod_restarted_and_a_long_inference_is_not(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("tts-1", "tts-2")}
    for folder in folders.values():
        folder.mkdir()
    async with (
        serving(folders["tts-1"], {"delay_s": 0.05, "action": "stop", "at_unit": 3}, **PATIENT) as frozen,
        serving(folders["tts-2"], {"delay_s": 0.5}, **PATIENT) as busy,
    ):
        with ExitStack() as stack:
            api = stack.enter_context(kubernetes_api())
            sick, well = api.add("tts", 1), api.add("tts", 2)
            loop = stack.enter_context(slow_loop(tmp_path, api))
            alerts_to = stack.enter_context(alertmanager(tmp_path / "alertmanager", f"{loop.url}/alerts", TOKEN))
            targets = {sick: frozen.metrics_address, well: busy.metrics_address}
            opened = scraping(tmp_path / "prometheus", targets, hastened_rules(), alerts_to)
            prometheus = await asyncio.to_thread(stack.enter_context, opened)
            long = busy.speak("a long inference " * 40)  # of minutes, half a second a unit
            hung = frozen.speak("abcdef")
            await until_event(long)
            await until_event(hung)
            await poll(lambda: api.evicted == [sick])
            (audit,) = loop.audit()
            assert (audit["alert"], audit["pod"]) == ("VigentWorkerStalled", sick)
            assert await asyncio.to_thread(prometheus.alerts, sick) == {"VigentWorkerStalled"}
            assert await asyncio.to_thread(prometheus.alerts, well) == set()
            assert not long.done()
            long.cancel()
            hung.cancel()
