"""How messages cross between the server and its worker: pickled, over an anonymous pipe that only the two hold."""

from __future__ import annotations

import pickle
from multiprocessing.connection import Connection


def send(connection: Connection, message: object) -> None:
    """Writes one message; waits while the pipe is full."""
    connection.send_bytes(pickle.dumps(message, protocol=5))


def receive(connection: Connection) -> object:
    """Reads one message. Raises EOFError or OSError when the other side has closed or died."""
    return pickle.loads(connection.recv_bytes())  # noqa: S301 - the other end is our own child or parent
