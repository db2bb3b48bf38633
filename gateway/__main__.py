"""Runs the gateway: `python -m gateway`."""

import asyncio
import logging
import socket
import sys
from types import FrameType

import uvicorn

from gateway.http.app import create_app
from gateway.settings import GatewaySettings
from services.base.errors import FailedPreconditionError, VigentError
from services.base.log import configure_logging
from services.media.store import MediaStore


class GatewayServer(uvicorn.Server):
    """Ends event streams at the first signal; uvicorn alone would wait for them."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.set()
        super().handle_exit(sig, frame)


def main() -> int:
    try:
        settings = GatewaySettings.load("gateway")
        MediaStore(settings.media_root)  # told here if it cannot be used: uvicorn would show a traceback
        listening = listen(settings)
    except VigentError as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    configure_logging(settings.log_level, "gateway")
    for talkative in ("httpx", "uvicorn"):  # a line for each probe, and what is said below
        logging.getLogger(talkative).setLevel(logging.WARNING)
    stopping = asyncio.Event()
    config = uvicorn.Config(
        create_app(settings, stopping),
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.connections,
        timeout_graceful_shutdown=round(settings.drain_grace_s),
    )
    print(f"gateway ready on {settings.host}:{listening.getsockname()[1]}", flush=True)
    GatewayServer(config, stopping).run(sockets=[listening])
    return 0


def listen(settings: GatewaySettings) -> socket.socket:
    """The listening socket. Raises FailedPreconditionError when the port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=512)
    except OSError as error:
        raise FailedPreconditionError(
            f"{settings.host}:{settings.port} cannot be opened: {error.strerror}.",
            "Stop what uses it (`vigent doctor` names it), or set VIGENT_GATEWAY_PORT.",
            "port",
        ) from error


if __name__ == "__main__":
    sys.exit(main())
