"""Names of the network that stand for several servers: the addresses that they have at the moment."""

from __future__ import annotations

import asyncio
import socket

_PREFIX = "dns:///"
_LONGEST_WAIT_S = 5.0


def is_name(target: str) -> bool:
    """Whether `target` is "dns:///name:port", behind which the addresses may change."""
    return target.startswith(_PREFIX)


async def resolve(target: str) -> list[str] | None:
    """Addresses behind "dns:///name:port", each as "host:port", sorted; a target of another kind is its own address.

    None when no answer comes, or the answer is that there is none: servers that are known may still be there.
    """
    if not is_name(target):
        return [target]
    name, _, port = target.removeprefix(_PREFIX).rpartition(":")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_LONGEST_WAIT_S):
            found = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return None
    return sorted({_address(family, str(where[0]), port) for family, _, _, _, where in found})


def _address(family: socket.AddressFamily, host: str, port: str) -> str:
    return f"[{host}]:{port}" if family is socket.AF_INET6 else f"{host}:{port}"
