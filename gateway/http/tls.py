"""TLS for the gateway: a certificate that is read again when it is replaced, and handshakes that do not last."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Any

from services.base.errors import InvalidInputError

_HANDSHAKE_S = 10.0
_LOG = logging.getLogger(__name__)


class Certificate:
    """A server's certificate chain and its key, PEM files that may be replaced while they are used."""

    def __init__(self, chain: Path, key: Path) -> None:
        """Raises InvalidInputError when they cannot be used."""
        self._chain, self._key = chain, key
        self._stamp = self._stamped()
        self.context = self._loaded()
        """What connections are made with; from `renew` on, new ones have the new certificate."""

    def renew(self) -> None:
        """Reads the files again if they have changed; those that cannot be used leave everything as it was."""
        if (stamp := self._stamped()) == self._stamp:
            return
        self._stamp = stamp
        try:
            self._loaded()  # tried apart first: a pair that does not fit would break the context in use
            self.context.load_cert_chain(self._chain, self._key, _no_password)
            _LOG.info("the certificate in %s was read again", self._chain)
        except (InvalidInputError, OSError) as error:
            _LOG.error("the new certificate cannot be used, the old one stays: %s", error)

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self._chain, self._key, _no_password)
        except (OSError, ValueError) as error:  # ssl's own errors are OSErrors
            problem = f"The certificate {self._chain} and its key {self._key} cannot be used: {_reason(error)}."
            raise InvalidInputError(problem, "Give a pair of PEM files, the key without a password.") from error
        return context

    def _stamped(self) -> object:
        return [_stamp(path) for path in (self._chain, self._key)]


class HandshakeLoop(asyncio.SelectorEventLoop):
    """The event loop of a TLS server: a handshake that is not done in time ends, before it counts as a connection."""

    async def create_server(self, *arguments: Any, **named: Any) -> asyncio.Server:  # noqa: ANN401 - asyncio's own
        """As asyncio has it."""
        if named.get("ssl") is not None:
            named.setdefault("ssl_handshake_timeout", _HANDSHAKE_S)
        return await super().create_server(*arguments, **named)


def _no_password() -> bytes:
    """Without this, the library would ask a terminal."""
    return b""


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or "it has a password")


def _stamp(path: Path) -> object:
    try:
        found = path.stat()  # of what a link leads to: Kubernetes replaces that
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
