"""A network that is slow changes nothing, and one that has gone silent is found by both ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

import grpc
import pytest

from services.base.client import open_channel
from tests.support.servers import TTS, events, serving, until_event
from tests.support.slow_network import fault_proxy
from vigent.tts.v1 import tts_pb2
from vigent.tts.v1.tts_pb2_grpc import TtsServiceStub


@pytest.mark.fault(
    "half-open connection", promised="Both ends find it by their pings, 15 s at most; the slot is given to the next."
)
async def test_a_connection_that_has_gone_silent_is_given_up_by_both_ends(tmp_path: Path) -> None:
    """No end is told: no packet arrives, and nothing is closed."""
    async with serving(tmp_path, {"delay_s": 0.1}) as server, fault_proxy(server.address) as network:
        async with open_channel(network.address, TTS) as channel:
            call = TtsServiceStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text="a" * 1000), wait_for_ready=True)
            await until_event(call)
            network.fall_silent()
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await events(call)
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            await server.until_metric('vigent_worker_active_requests{service="tts"}', 0)
        assert (await events(server.speak()))[-1] == "done"


@pytest.mark.fault("slow, lossy network", promised="Slower, never wrong; a slow network is no stall.")
async def test_a_slow_network_is_no_stall_and_loses_nothing(tmp_path: Path) -> None:
    """300 ms away at 1 Mbit/s, so that the answer takes longer than the stall budget; TCP makes up for what is lost."""
    options = {"units": 20, "unit_samples": 7_500}
    async with (
        serving(tmp_path, options, stall_budget_s=2) as server,
        fault_proxy(server.address, latency_s=0.3, mbit_per_s=1) as network,
        open_channel(network.address, TTS) as channel,
    ):
        worker, heard = server.worker(), hashlib.sha256()
        call = TtsServiceStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text="a"), wait_for_ready=True)
        async for response in call:
            heard.update(response.audio.data)
        assert heard.hexdigest() == response.done.sha256
        assert response.done.samples == 20 * 7_500
        assert server.worker() == worker
