"""The client's side: channels to model servers, remote errors as our own classes, and retries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import tenacity

from services.base.direct import direct_channel
from services.base.disk import DISK_FULL, STORE_AWAY
from services.base.errors import UnavailableError, VigentError
from services.base.status import error_of

MAX_RESPONSE_BYTES = 64 * 2**20
"""Largest response accepted: an RGBA picture of 4096 x 4096."""

_NEEDS_A_PERSON = frozenset({DISK_FULL, STORE_AWAY})


def open_channel(target: str, service: str) -> grpc.aio.Channel:
    """A channel to those replicas of `service` (its full name) that report SERVING.

    `target` is "host:port", "dns:///name:port", or several replicas as "ipv4:127.0.0.1:8052,127.0.0.1:8062".
    """
    config = {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": service}}
    return direct_channel(
        target,
        [
            ("grpc.service_config", json.dumps(config)),
            ("grpc.keepalive_time_ms", 10_000),
            ("grpc.http2.ping_timeout_ms", 5_000),  # grpcio ignores keepalive_timeout_ms
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.initial_reconnect_backoff_ms", 200),  # reconnects to a restarted server within seconds,
            ("grpc.max_reconnect_backoff_ms", 5_000),  # not the two minutes that are the default
            ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
        ],
    )


@contextmanager
def remote_errors() -> Iterator[None]:
    """Around awaited calls: raises what the server reported as the VigentError it stands for."""
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
    """Retries errors that are `retryable`, after the delay that the server asked for, else after growing random ones.

    Servers that are away, being replaced or full are tried beyond `attempts`, until the pauses add up to `outage_s`.
    A disk that is full or away is waited for without end: failing would mend nothing, and lose the work.
    `waits` is called with each error before the pause that follows it.
    Use as `async for attempt in retrying(): with attempt, remote_errors(): ...`; the last error is raised as it is.
    """
    growing = tenacity.wait_random_exponential(multiplier=0.2, max=longest_wait_s)

    def wait_s(state: tenacity.RetryCallState) -> float:
        asked_s = _error(state).retry_after_s
        return growing(state) if asked_s is None else min(asked_s, longest_wait_s)

    def stop(state: tenacity.RetryCallState) -> bool:
        error = _error(state)
        waited_for = error.reason in _NEEDS_A_PERSON or (_is_outage(error) and state.idle_for < outage_s)
        return state.attempt_number >= attempts and not waited_for

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, VigentError) and error.retryable),
        wait=wait_s,
        stop=stop,
        before_sleep=waits and (lambda state: waits(_error(state))),
        reraise=True,
    )


def _error(state: tenacity.RetryCallState) -> VigentError:
    """What the attempt failed with; other kinds of errors are not retried."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, VigentError)
    return error


def _is_outage(error: VigentError) -> bool:
    """Whether waiting alone may help; a request that does not fit into memory will not fit later either."""
    return isinstance(error, UnavailableError) or error.reason == "QUEUE_FULL"
