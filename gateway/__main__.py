"""Runs the gateway: `python -m gateway`."""

import asyncio
import logging
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from gateway.http.admission import Admission
from gateway.http.app import create_app
from gateway.http.connections import Connections, GatewayProtocol, room_for
from gateway.http.metrics import GatewayMetrics
from gateway.settings import GatewaySettings
from services.base.errors import VigentError
from services.base.exits import exit_code_of, port_error
from services.base.log import configure_logging
from services.base.private import keep_files_private
from services.base.setting_names import warn_of_unread_variables
from services.base.terminal import replace_what_cannot_be_shown
from services.media.storage.opening import open_store

_POLL_S = 0.05


class GatewayServer(uvicorn.Server):
    """Ends event streams at the first signal, for which uvicorn alone would wait, and answers probes to the end."""

    def __init__(
        self, config: uvicorn.Config, settings: GatewaySettings, admission: Admission, stopping: asyncio.Event
    ) -> None:
        super().__init__(config)
        self._settings, self._admission, self._stopping = settings, admission, stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Keeps the port open, for probes and for telling others to come again, while requests end."""
        await self._wait(lambda: False, self._settings.drain_delay_s)
        self._admission.draining = True
        left_s = await self._wait(lambda: not self._admission.busy, self._settings.drain_grace_s)
        self.config.timeout_graceful_shutdown = max(round(left_s), 1)  # for what is on its way to its reader
        await super().shutdown(sockets)

    async def _wait(self, ended: Callable[[], bool], longest_s: float) -> float:
        """Seconds that are left of `longest_s` when it has ended, or when a second signal has come."""
        until_s = time.monotonic() + longest_s
        while not (ended() or self.force_exit) and time.monotonic() < until_s:  # noqa: ASYNC110 - set by a signal
            await asyncio.sleep(_POLL_S)
        return max(until_s - time.monotonic(), 0.0)


def main() -> int:
    keep_files_private()
    replace_what_cannot_be_shown()
    try:
        settings = GatewaySettings.load("gateway")
        open_store(settings.media_root)  # told here if it cannot be used: uvicorn would show a traceback
        listening = listen(settings)
    except VigentError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return exit_code_of(error)
    configure_logging(settings.log_level, "gateway")
    warn_of_unread_variables({"gateway": GatewaySettings})
    for talkative in ("httpx", "uvicorn"):  # a line for each probe, and what is said below
        logging.getLogger(talkative).setLevel(logging.WARNING)
    metrics, stopping, places = GatewayMetrics(), asyncio.Event(), room_for(settings.connections)
    admission = Admission(places, metrics)
    shared = Connections(places, settings.waits.head_timeout_s, settings.waits.write_timeout_s, metrics)
    config = uvicorn.Config(
        create_app(settings, metrics, admission, stopping),
        http=cast("type[asyncio.Protocol]", partial(GatewayProtocol, shared=shared)),
        ws="none",  # such a connection would no longer be counted
        backlog=places // 2,  # taken in one turn of the loop: a new connection is not ended before it was listened to
        log_config=None,
        access_log=False,
        server_header=False,
    )
    print(f"gateway ready on {settings.host}:{listening.getsockname()[1]}", flush=True)
    GatewayServer(config, settings, admission, stopping).run(sockets=[listening])
    return 0


def listen(settings: GatewaySettings) -> socket.socket:
    """The listening socket. Raises what `port_error` makes of a port that does not open."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        problem = f"{settings.host}:{settings.port} cannot be opened: {error.strerror}."
        remedy = "Stop what uses it (`vigent doctor` names it), or set VIGENT_GATEWAY_PORT."
        raise port_error(problem, remedy, "port", error) from error
    if sys.platform == "linux":  # where connections inherit it: also what fits into buffers is to be read some day
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(settings.waits.write_timeout_s * 1000))
    return listening


if __name__ == "__main__":
    sys.exit(main())
