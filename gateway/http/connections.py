"""Connections of the gateway: bounded in number, and none holds its place without asking, sending or reading.

uvicorn's own limit counts connections that ask nothing, and then refuses even probes. Here a new connection is always
taken, and when all places are used the one that has waited longest for its next request makes room.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.http.metrics import UNREADABLE, GatewayMetrics
from gateway.http.problems import problem_at
from services.base.errors import DeadlineExceededError, InvalidInputError

_FILES_EACH = 2  # the socket itself; half of the connections may also be sending a file, which needs two more
_OWN_FILES = 128  # channels to services, uploads, child processes that inspect uploads
_LOG = logging.getLogger(__name__)


def room_for(connections: int) -> int:
    """How many of `connections` the limit on open files allows; raises that limit as far as permitted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _OWN_FILES + _FILES_EACH * connections
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    room = max((allowed - _OWN_FILES) // _FILES_EACH, 4)
    if room < connections:
        _LOG.warning("only %d open files are allowed: %d connections instead of %d", hard, room, connections)
    return min(room, connections)


@dataclass
class Connections:
    """What the connections of one gateway share: their limits, and which of them wait for a request, longest first."""

    limit: int
    head_timeout_s: float
    write_timeout_s: float
    metrics: GatewayMetrics
    waiting: dict[GatewayProtocol, None] = field(default_factory=dict)

    def make_room(self, open_connections: int) -> None:
        """Ends the connections that have waited longest when there are more than `limit`."""
        for connection in list(islice(self.waiting, max(open_connections - self.limit, 0))):
            self.metrics.refused("connections_full")
            connection.drop()


class GatewayProtocol(H11Protocol):
    """HTTP/1.1 with deadlines for request heads and for readers; protocol errors are answered as problems."""

    def __init__(self, *arguments: Any, shared: Connections, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*arguments, **named)
        self._shared = shared
        self._deadline: asyncio.TimerHandle | None = None
        self._reader_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accepts the connection, and ends others to make room when there are too many."""
        super().connection_made(transport)
        self._wait()
        self._shared.make_room(len(self.connections))

    def connection_lost(self, exc: Exception | None) -> None:
        """Gives its place back."""
        self._stop_waiting()
        self._stop_reader_deadline()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Ends the connection at once, without an answer; its place is free from now on."""
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()

    def handle_events(self) -> None:
        """Notes when a request has come."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Waits for the next request; the rest of this one's body must arrive within the same deadline."""
        self._wait()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The reader is slower than we are; starts its deadline."""
        super().pause_writing()
        self._reader_deadline = self.loop.call_later(self._shared.write_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        self._stop_reader_deadline()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - h11's exception says more
        """Answers what cannot be read as HTTP."""
        hint = getattr(sys.exception(), "error_status_hint", 0)
        if hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            remedy = "Shorten its address, headers and cookies."
            self._answer(
                InvalidInputError("The head of the request is too long.", remedy, reason="HEAD_TOO_LARGE"), hint
            )
        else:
            error = InvalidInputError("This is not an HTTP request.", "Use http:// and HTTP/1.1.", reason="NO_HTTP")
            self._answer(error, HTTPStatus.BAD_REQUEST)

    def _wait(self) -> None:
        self._stop_waiting()
        self._shared.waiting[self] = None
        self._deadline = self.loop.call_later(self._shared.head_timeout_s, self._too_late)

    def _stop_waiting(self) -> None:
        self._shared.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()

    def _stop_reader_deadline(self) -> None:
        if self._reader_deadline is not None:
            self._reader_deadline.cancel()

    def _too_late(self) -> None:
        """Answers 408 if a request was begun, and closes; aborts a connection that does not close in time."""
        self._deadline = self.loop.call_later(self._shared.write_timeout_s, self.transport.abort)
        if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:
            self._shared.metrics.refused("head_late")
            problem = f"The head of the request was not complete within {self._shared.head_timeout_s:g} s."
            error = DeadlineExceededError(problem, "Send the whole head at once.", reason="REQUEST_TIMEOUT")
            self._answer(error, HTTPStatus.REQUEST_TIMEOUT)
        self.transport.close()

    def _answer(self, error: InvalidInputError | DeadlineExceededError, status: int) -> None:
        """Sends the problem, where an answer can still be begun, and closes."""
        if self.cycle is not None and not self.cycle.response_complete:  # wake the handler of the broken request
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        else:
            self._shared.metrics.request_ended(UNREADABLE, status, 0.0)
        if self._can_answer() and not self.transport.is_closing():
            response = problem_at("", error, status)
            headers = [*self.server_state.default_headers, *response.raw_headers, CLOSE_HEADER]
            head = h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase.encode())
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _can_answer(self) -> bool:
        if self.conn.our_state is h11.SEND_RESPONSE:
            return self.scope["method"] != "HEAD"
        return self.conn.our_state is h11.IDLE
