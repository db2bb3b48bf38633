from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import tenacity

from services.base.client import open_channel, remote_errors, retrying
from services.base.disk import DISK_FULL
from services.base.errors import ExhaustedError, InvalidInputError, UnavailableError, VigentError
from services.base.pauses import RetryBudget, RetryShare
from tests.support.mesh import own_port
from tests.support.servers import TIMEOUT_S, TTS, Server, events, listening, serving
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc


async def speaker(channel: grpc.aio.Channel) -> str:
    """Which server answers a call."""
    stub = tts_pb2_grpc.TtsServiceStub(channel)
    call = stub.Synthesize(tts_pb2.SynthesizeRequest(text="a"), timeout=TIMEOUT_S, wait_for_ready=True)
    server = (await call.read()).accepted.accepted.server
    await events(call)
    return server


def process_of(server: Server) -> str:
    return f":{server.process.pid}"


async def test_calls_go_round_the_replicas_that_are_ready(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "loading")]
    for folder in folders:
        folder.mkdir()
    async with (
        serving(folders[0]) as one,
        serving(folders[1]) as two,
        listening(folders[2], {"load_action": "hold", "hold_file": tmp_path / "never"}) as loading,
    ):
        target = "ipv4:" + ",".join(server.address for server in (one, two, loading))
        async with open_channel(target, TTS) as channel:
            found: set[str] = set()
            while len(found) < 2:  # until the channel has found both
                found.add(await speaker(channel))
            answers = [await speaker(channel) for _ in range(12)]
        counts = [sum(answer.endswith(process_of(server)) for answer in answers) for server in (one, two, loading)]
        assert counts[2] == 0
        assert min(counts[:2]) >= 4
        assert sum(counts) == 12


async def test_server_without_health_gets_calls_all_the_same() -> None:
    """As the health protocol has it: UNIMPLEMENTED means that nobody checks."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with open_channel(f"127.0.0.1:{port}", TTS) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await tts_pb2_grpc.TtsServiceStub(channel).ListVoices(tts_pb2.ListVoicesRequest(), timeout=TIMEOUT_S)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    await server.stop(None)


async def test_nobody_there_is_unavailable_at_once() -> None:
    async with open_channel("127.0.0.1:1", TTS) as channel:
        with pytest.raises(UnavailableError), remote_errors():
            await tts_pb2_grpc.TtsServiceStub(channel).ListVoices(tts_pb2.ListVoicesRequest(), timeout=30)


async def test_retrying_tries_what_is_worth_it_and_waits_as_asked() -> None:
    failures = [ExhaustedError("full", retry_after_s=0.01), UnavailableError("gone"), UnavailableError("gone")]
    waits_s = []
    async for attempt in retrying():
        with attempt:
            if failures:
                raise failures.pop(0)
        if not attempt.retry_state.outcome.failed:
            continue
        waits_s.append(attempt.retry_state.outcome.exception().retry_after_s)
    assert not failures
    assert waits_s == [0.01, None, None]


@pytest.mark.parametrize(
    ("error", "tries"),
    [(InvalidInputError("wrong"), 1), (UnavailableError("gone", retry_after_s=0), 3), (KeyError(), 1)],
)
async def test_the_last_error_comes_out_as_it_is(error: Exception, tries: int) -> None:
    tried = []

    async def fail() -> None:
        tried.append(error)
        raise error

    with pytest.raises(type(error)) as caught:
        await retrying(attempts=3)(fail)
    assert caught.value is error
    assert len(tried) == tries


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (UnavailableError("gone", retry_after_s=0.02), 4),
        (ExhaustedError("full", reason="QUEUE_FULL", retry_after_s=0.02), 4),
        (ExhaustedError("too much", reason="OUT_OF_MEMORY", retry_after_s=0.01), 2),
        (InvalidInputError("wrong"), 1),
    ],
)
async def test_an_outage_is_waited_for_beyond_the_attempts(error: VigentError, tries: int) -> None:
    tried, waited_for = [], []

    async def fail() -> None:
        tried.append(error)
        raise error

    with pytest.raises(type(error)):
        await retrying(attempts=2, outage_s=0.05, waits=waited_for.append)(fail)
    assert len(tried) == tries
    assert waited_for == [error] * (tries - 1)


async def test_restarted_server_is_found_again(tmp_path: Path) -> None:
    port = own_port()  # which nobody else gets between two lives
    async with serving(tmp_path, port=port) as first, open_channel(first.address, TTS) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        request = tts_pb2.SynthesizeRequest(text="a")
        assert (await events(stub.Synthesize(request, timeout=TIMEOUT_S)))[-1] == "done"
        first.process.kill()
        await first.process.wait()
        async with serving(tmp_path, port=port):
            assert (await events(stub.Synthesize(request, timeout=TIMEOUT_S, wait_for_ready=True)))[-1] == "done"


def test_a_server_is_left_alone_for_as_long_as_it_asked() -> None:
    """Also where that is longer than any pause of our own; and not all come back at the same moment."""
    policy = retrying(longest_wait_s=30)
    pauses_s = {policy.wait(failed(policy, ExhaustedError("full", retry_after_s=40))) for _ in range(10)}
    assert min(pauses_s) >= 40
    assert len(pauses_s) > 1


def test_retries_wait_for_their_turn_in_the_budget_unless_only_a_person_can_help() -> None:
    budget = RetryBudget(RetryShare(rate_hz=0.001, burst=1))
    policy = retrying(budget=budget)
    full, lost = ExhaustedError("full", retry_after_s=0.0), ExhaustedError("disk", reason=DISK_FULL, retry_after_s=0.0)
    assert policy.wait(failed(policy, full)) == 0
    assert policy.wait(failed(policy, full)) > 900
    assert policy.wait(failed(policy, lost)) == 0


def failed(policy: tenacity.AsyncRetrying, error: VigentError) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(policy, None, (), {})
    state.set_exception((type(error), error, None))
    return state
