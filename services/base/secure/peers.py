"""Whose a connection from this machine is: the kernel knows which user has the other end of it."""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import struct
import sys
from contextlib import suppress
from functools import cache

_LOG = logging.getLogger(__name__)

Place = tuple[str, int]
"""IP address and port."""

_NETLINK_SOCK_DIAG, _BY_FAMILY, _REQUEST = 4, 20, 1  # linux/netlink.h, linux/sock_diag.h
_ALL_STATES = _NO_COOKIE = 0xFFFFFFFF
_HEAD_BYTES = 16
_OWNER_OFFSET = _HEAD_BYTES + 64  # in inet_diag_msg: state and addresses, 52 bytes, and three figures before the user
_ANSWER_S = 1.0


def is_loopback(host: str) -> bool:
    """Whether nothing but this machine reaches `host`: an address, or "localhost"."""
    if host.lower() == "localhost":
        return True
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    return False


def is_of_this_user(peer: Place, here: Place) -> bool:
    """Whether the user who runs this process holds the `peer` end of a connection over loopback to `here`.

    False for an end that is closed already, which the kernel counts as nobody's. True on systems that do not tell
    (all but Linux, and kernels without inet_diag), where loopback is trusted as a whole.
    """
    return not kernel_tells() or _is_ours(peer, here)


@cache
def kernel_tells() -> bool:
    """Whether this system names the user of a connection's other end; tried once, on a connection of our own."""
    if not sys.platform.startswith("linux"):
        return False
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = listening.getsockname()
        with socket.create_connection(here, _ANSWER_S) as caller:
            tells = _is_ours(caller.getsockname(), here)
    if not tells:
        _LOG.warning("this kernel does not tell whose a connection is: other users of this machine are not kept out")
    return tells


def _is_ours(peer: Place, here: Place) -> bool:
    try:
        return _owner(peer, here) == os.geteuid()
    except (OSError, struct.error, ValueError):
        return False


def _owner(peer: Place, here: Place) -> int | None:
    """User id of the `peer` end; None when there is no such socket, or no process holds it any more."""
    family, ours = _family(peer[0]), struct.pack("!HH", peer[1], here[1])
    ends = ours + _packed(family, peer[0]) + _packed(family, here[0]) + struct.pack("=III", 0, _NO_COOKIE, _NO_COOKIE)
    body = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, _ALL_STATES) + ends
    head = struct.pack("=IHHII", _HEAD_BYTES + len(body), _BY_FAMILY, _REQUEST, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(_ANSWER_S)
        kernel.send(head + body)
        answer = kernel.recv(4096)
    (kind,) = struct.unpack_from("=H", answer, 4)
    if kind != _BY_FAMILY or answer[_HEAD_BYTES + 4 : _HEAD_BYTES + 8] != ours:  # an error, or whoever listens there
        return None
    owner, inode = struct.unpack_from("=II", answer, _OWNER_OFFSET)
    return int(owner) if inode else None


def _family(host: str) -> int:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _packed(family: int, host: str) -> bytes:
    return socket.inet_pton(family, host).ljust(16, b"\0")
