"""Whose the ports of a mesh are before it starts."""

from __future__ import annotations

import socket
from collections import defaultdict

import psutil

from gateway.mesh.addresses import Addresses, service_of
from services.base.errors import InvalidInputError
from services.base.exits import PORT_TAKEN


def wanted_ports(addresses: Addresses) -> dict[str, int]:
    """The ports of every process, such as "tts" and "tts metrics"."""
    return {**addresses.ports, **{f"{name} metrics": port for name, port in addresses.metrics_ports.items()}}


def taken_ports(addresses: Addresses) -> dict[str, int]:
    """Those of `wanted_ports` that cannot be opened."""
    return {name: port for name, port in wanted_ports(addresses).items() if not _is_free(addresses.host, port)}


def shared_ports(addresses: Addresses) -> dict[int, list[str]]:
    """Which of `wanted_ports` are given to several: the watch over one would take the other's answers for its own."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for name, port in wanted_ports(addresses).items():
        names[port].append(name)
    return {port: sharing for port, sharing in names.items() if len(sharing) > 1}


def setting_of(name: str) -> str:
    """The setting of a port in `wanted_ports`."""
    process, _, metrics = name.partition(" ")
    return "_".join(filter(None, ("VIGENT", service_of(process).upper(), metrics.upper(), "PORT")))


def user_of(port: int) -> str:
    """Who listens on a port of this machine, for people."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                process = psutil.Process(connection.pid)
                return f"{process.name()} (process {process.pid})"
    except (psutil.Error, PermissionError):
        pass
    return "another program"


def check_ports(addresses: Addresses) -> None:
    """Raises InvalidInputError for ports that somebody else has: whoever answers there would be taken for this mesh.

    As it does for a port that two processes of the mesh itself are given.
    """
    for port, names in shared_ports(addresses).items():
        problem = f"Port {port} is set for {' and '.join(names)}."
        raise InvalidInputError(problem, f"Set {setting_of(names[-1])} to another port.")
    if taken := taken_ports(addresses):
        users = ", ".join(f"{port} ({name}) by {user_of(port)}" for name, port in taken.items())
        remedy = f"Stop that, set {setting_of(next(iter(taken)))}, or use `vigent up --port-base 0`."
        raise InvalidInputError(f"Ports of this mesh are already in use: {users}.", remedy, reason=PORT_TAKEN)


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port)):
            return True
    except OSError:
        return False
