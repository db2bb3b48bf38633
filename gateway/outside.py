"""The one way from the gateway to servers that are not the mesh's: writers and platforms. Proxies are for these."""

from __future__ import annotations

import logging

import httpx

_CONNECT_S = 10.0


def outside_client(silence_s: float) -> httpx.AsyncClient:
    """A client that leads nowhere else by redirection, and waits at most `silence_s` for the next bytes."""
    for name in ("httpx", "httpcore"):  # which log addresses and answers: some let whoever has them write
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx.AsyncClient(trust_env=True, timeout=httpx.Timeout(silence_s, connect=_CONNECT_S))
