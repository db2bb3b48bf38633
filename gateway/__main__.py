"""Runs the gateway: `python -m gateway`."""

import asyncio
import contextlib
import logging
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import cast

import uvicorn

from gateway.access.keys import KeyFile
from gateway.http.admission import Admission
from gateway.http.app import create_app
from gateway.http.connections import Connections, GatewayProtocol, room_for
from gateway.http.metrics import GatewayMetrics
from gateway.http.tls import Certificate
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError, VigentError
from services.base.exits import exit_code_of, port_error
from services.base.log import configure_logging
from services.base.private import keep_files_private
from services.base.secure.peers import is_loopback
from services.base.setting_names import warn_of_unread_variables
from services.base.terminal import replace_what_cannot_be_shown
from services.base.tracing.spans import start_tracing, stop_tracing
from services.media.storage.opening import open_store

_POLL_S = 0.05
_TICK_S = 1.0


class GatewayServer(uvicorn.Server):
    """Ends event streams at the first signal, for which uvicorn alone would wait, and answers probes to the end."""

    def __init__(
        self,
        config: uvicorn.Config,
        settings: GatewaySettings,
        admission: Admission,
        stopping: asyncio.Event,
        certificate: Certificate | None,
    ) -> None:
        super().__init__(config)
        self._settings, self._admission, self._stopping = settings, admission, stopping
        self._certificate = certificate
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Until a signal, which uvicorn alone would look for ten times a second; the date is told once a second."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            if self._certificate is not None:
                self._certificate.renew()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._stopping.wait()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is None:
            self._stopping.set()
        else:  # the loop waits for its selector, which a signal alone does not wake
            self._loop.call_soon_threadsafe(self._stopping.set)

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
        check_keys(settings)
        certificate = certificate_of(settings)
        open_store(settings.media_root)  # told here if it cannot be used: uvicorn would show a traceback
        listening = listen(settings)
    except VigentError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return exit_code_of(error)
    configure_logging(settings.log_level, "gateway", settings.log_format)
    start_tracing("gateway")
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
        ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
        loop="auto" if certificate is None else "gateway.http.tls:HandshakeLoop",
        proxy_headers=False,  # whose connection it is decides who may do what
    )
    print(f"gateway ready on {settings.host}:{listening.getsockname()[1]}", flush=True)
    GatewayServer(config, settings, admission, stopping, certificate).run(sockets=[listening])
    stop_tracing()
    return 0


def check_keys(settings: GatewaySettings) -> None:
    """Raises InvalidInputError for a gateway that other machines reach while there is no key."""
    if is_loopback(settings.host) or any(key.valid(datetime.now(UTC)) for key in KeyFile(settings.keys_file).all()):
        return
    problem = f"The gateway would be open to other machines on {settings.host}, and {settings.keys_file} holds no key."
    raise InvalidInputError(problem, "Make one with `vigent keys add NAME`, or listen on 127.0.0.1.", "host")


def certificate_of(settings: GatewaySettings) -> Certificate | None:
    """None without TLS. Raises InvalidInputError for half of a pair, and for one that cannot be used."""
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return Certificate(settings.tls_certificate, settings.tls_key)
    if settings.tls_certificate is not None or settings.tls_key is not None:
        missing = "tls_key" if settings.tls_key is None else "tls_certificate"
        raise InvalidInputError("A certificate needs its key.", f"Set VIGENT_GATEWAY_{missing.upper()}.", missing)
    return None


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
