"""The client's side: channels to model servers, remote errors as our own classes, and retries."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import tenacity

from services.base.direct import direct_channel
from services.base.disk import DISK_FULL, STORE_AWAY
from services.base.errors import UnavailableError, VigentError
from services.base.pauses import RetryBudget
from services.base.status import error_of

MAX_RESPONSE_BYTES = 64 * 2**20
"""Largest response accepted: an RGBA picture of 4096 x 4096."""

_LONGEST_ASKED_S = 60.0  # no server of the mesh asks for more
_SPREAD = 1.2

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
    budget: RetryBudget | None = None,
) -> tenacity.AsyncRetrying:
    """Retries errors that are `retryable`, after growing random delays, and never before the server asked to.

    Servers that are away, being replaced or full are tried beyond `attempts`, until the pauses add up to `outage_s`.
    A disk that is full or away is waited for without end: failing would mend nothing, and lose the work.
    `waits` is called with each error before the pause that follows it. Retries take their turn in `budget`.
    Use as `async for attempt in retrying(): with attempt, remote_errors(): ...`; the last error is raised as it is.
    """
    growing = tenacity.wait_random_exponential(multiplier=0.2, max=longest_wait_s)
    if budget is not None:
        budget.called()

    def wait_s(state: tenacity.RetryCallState) -> float:
        error = _error(state)
        pause_s = growing(state) if error.retry_after_s is None else _as_asked_s(error.retry_after_s)
        if budget is None or error.reason in _NEEDS_A_PERSON:
            return pause_s
        return max(pause_s, budget.take_s())

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


def _as_asked_s(retry_after_s: float) -> float:
    """Not before, and not all of those who were asked the same at the same moment."""
    return min(retry_after_s, _LONGEST_ASKED_S) * random.uniform(1.0, _SPREAD)


def _error(state: tenacity.RetryCallState) -> VigentError:
    """What the attempt failed with; other kinds of errors are not retried."""
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, VigentError)
    return error


def _is_outage(error: VigentError) -> bool:
    """Whether waiting alone may help; a request that does not fit into memory will not fit later either."""
    return isinstance(error, UnavailableError) or error.reason == "QUEUE_FULL"
