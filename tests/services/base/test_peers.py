"""Whose a connection over loopback is, as the kernel tells."""

from __future__ import annotations

import os
import socket

import pytest

from services.base.secure import peers
from services.base.secure.peers import is_loopback, is_of_this_user, kernel_tells
from tests.support.keys import another_user

LINUX = pytest.mark.skipif(os.uname().sysname != "Linux", reason="Only Linux tells.")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can act as another user.")


def connected(host: str) -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection: the caller's, and the server's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listening:
        caller = socket.create_connection(listening.getsockname()[:2])
        return caller, listening.accept()[0]


def is_ours(here: socket.socket) -> bool:
    return is_of_this_user(here.getpeername()[:2], here.getsockname()[:2])


@LINUX
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1"])
def test_ones_own_connection_is_known_until_it_is_closed(host: str) -> None:
    caller, here = connected(host)
    with here:
        assert is_ours(here)
        caller.close()
        assert not is_ours(here)  # it would be root's: nobody holds it


@LINUX
@ROOT
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_users_is_not_ours(host: str) -> None:
    with another_user():
        caller, here = connected(host)
    with caller, here:
        assert not is_ours(here)


@LINUX
def test_a_connection_that_is_none_is_not_ours() -> None:
    caller, here = connected("127.0.0.1")
    with caller, here:
        host, port = here.getpeername()
        assert not is_of_this_user((host, 1), here.getsockname())
        assert not is_of_this_user((host, port), (host, 1))
        assert not is_of_this_user(("nonsense", port), (host, 1))


@LINUX
def test_who_listens_at_the_callers_port_is_not_the_caller() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not is_of_this_user(listening.getsockname(), ("127.0.0.1", 1))


@LINUX
def test_where_the_kernel_does_not_tell_loopback_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel without inet_diag has no such netlink protocol, as this one has no 31st."""
    kernel_tells.cache_clear()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(peers, "_NETLINK_SOCK_DIAG", 31)
            assert not kernel_tells()
            assert is_of_this_user(("127.0.0.1", 1), ("127.0.0.1", 2))
    finally:
        kernel_tells.cache_clear()
    assert kernel_tells()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("::ffff:127.0.0.1", True)),
        *(("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example", False), ("", False)),
    ],
)
def test_what_nobody_else_reaches(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
