"""Runs the slow loop: `python -m gateway.slowloop`."""

import sys

import uvicorn

from gateway.slowloop.app import create_app
from gateway.slowloop.cluster import Cluster
from gateway.slowloop.settings import SlowLoopSettings
from services.base.errors import VigentError
from services.base.exits import exit_code_of
from services.base.log import configure_logging

_DRAIN_S = 15


def main() -> int:
    try:
        settings = SlowLoopSettings.load()
        cluster = Cluster(settings.namespace, settings.api)
    except VigentError as error:
        print(f"slow-loop: {error}", file=sys.stderr)
        return exit_code_of(error)
    configure_logging(settings.log_level, "slow-loop", "json")
    config = uvicorn.Config(
        create_app(settings, cluster),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    uvicorn.Server(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
