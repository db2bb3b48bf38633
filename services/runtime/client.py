"""The client half: channels to model servers, remote errors as our own, and retries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import tenacity

from services.runtime.errors import UnavailableError, VigentError
from services.runtime.status import error_of

MAX_RESPONSE_BYTES = 64 * 2**20
"""Largest response taken: an RGBA picture of 4096 x 4096."""


def open_channel(target: str, service: str) -> grpc.aio.Channel:
    """A channel to the replicas of `service` (its full name) that say they are ready.

    `target` is "host:port", "dns:///name:port", or several replicas as "ipv4:127.0.0.1:8052,127.0.0.1:8062".
    """
    config = {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": service}}
    return grpc.aio.insecure_channel(
        target,
        options=[
            ("grpc.service_config", json.dumps(config)),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.http2.ping_timeout_ms", 5_000),  # grpcio ignores keepalive_timeout_ms
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.initial_reconnect_backoff_ms", 200),  # a restarted server is found again within seconds,
            ("grpc.max_reconnect_backoff_ms", 5_000),  # not after the two minutes of the library
            ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
        ],
    )


@contextmanager
def remote_errors() -> Iterator[None]:
    """Around awaited calls: what the server reported is raised as the VigentError it stands for."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise error_of(error) from error


def retrying(
    attempts: int = 5,
    longest_wait_s: float = 30.0,
    outage_s: float = 0.0,
    waits: Callable[[VigentError], None] | None = None,
) -> tenacity.AsyncRetrying:
    """Retries what is `retryable`: after the time that the server asked for, else with jittered, growing pauses.

    Servers that are away, being replaced or full are tried further until the pauses add up to `outage_s`. `waits` gets
    each error before the pause after it.
    Use as `async for attempt in retrying(): with attempt, remote_errors(): ...`; the last error is raised as it is.
    """
    growing = tenacity.wait_random_exponential(multiplier=0.2, max=longest_wait_s)

    def wait_s(state: tenacity.RetryCallState) -> float:
        asked_s = _error(state).retry_after_s
        return growing(state) if asked_s is None else min(asked_s, longest_wait_s)

    def stop(state: tenacity.RetryCallState) -> bool:
        waited_for = _is_outage(_error(state)) and state.idle_for < outage_s
        return state.attempt_number >= attempts and not waited_for

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, VigentError) and error.retryable),
        wait=wait_s,
        stop=stop,
        before_sleep=waits and (lambda state: waits(_error(state))),
        reraise=True,
    )


def _error(state: tenacity.RetryCallState) -> VigentError:
    """What the attempt failed with; nothing else is retried."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, VigentError)
    return error


def _is_outage(error: VigentError) -> bool:
    """Whether time alone may mend it; memory that is used up stays so for the same request."""
    return isinstance(error, UnavailableError) or error.reason == "QUEUE_FULL"
