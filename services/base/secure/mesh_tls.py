"""TLS between the processes of a mesh: each shows a certificate of the mesh's authority, as server and as client."""

from __future__ import annotations

import logging
import ssl
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import grpc
from pydantic_settings import SettingsConfigDict

from services.base.errors import InvalidInputError
from services.base.settings import ProcessSettings

MESH_NAME = "mesh.vigent"
"""A DNS name that every certificate of a mesh has: its processes are reached by addresses that nobody knows before."""

_LOOK_S = 1.0
_LOG = logging.getLogger(__name__)


class _Settings(ProcessSettings):
    """What all processes share."""

    model_config = SettingsConfigDict(extra="ignore")


@dataclass(frozen=True)
class Pems:
    """What the files hold."""

    authority: bytes
    chain: bytes
    key: bytes


class MeshTls:
    """The files of the authority, of this process's certificate and of its key, which may be replaced at any time."""

    def __init__(self, authority: Path, chain: Path, key: Path) -> None:
        """Raises InvalidInputError for files that cannot be used."""
        self._paths = authority, chain, key
        self._looked_s, self._stamps = time.monotonic(), self._stamped()
        self.pems = self._read()

    def renewed(self) -> Pems:
        """The newest content, looked for at most once a second; files that cannot be used change nothing."""
        if time.monotonic() - self._looked_s > _LOOK_S:
            self._looked_s = time.monotonic()
            if (stamps := self._stamped()) != self._stamps:
                self._stamps = stamps
                try:
                    self.pems = self._read()
                except InvalidInputError as error:
                    _LOG.warning("the mesh's certificates stay as they were: %s", error)
        return self.pems

    def server_credentials(self) -> grpc.ServerCredentials:
        """For a server that takes callers of this mesh alone; asked anew at each handshake."""
        shown = self.pems

        def changed() -> grpc.ServerCertificateConfiguration | None:
            nonlocal shown
            if (pems := self.renewed()) is shown:
                return None
            shown = pems
            return _configuration(pems)

        return grpc.dynamic_ssl_server_credentials(
            _configuration(shown),
            changed,  # type: ignore[arg-type]  # None is for no change, which the stubs do not know
            require_client_authentication=True,
        )

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """For a client, with what the files hold now."""
        pems = self.renewed()
        return grpc.ssl_channel_credentials(pems.authority, pems.key, pems.chain)

    def _read(self) -> Pems:
        authority, chain, key = self._paths
        try:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # gRPC would say only that a port does not open
            context.load_verify_locations(authority)
            context.load_cert_chain(chain, key, lambda: b"")
            return Pems(*(path.read_bytes() for path in self._paths))
        except (OSError, ValueError) as error:  # ssl's own errors are OSErrors
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "the key has a password"
            problem = f"The certificates {authority}, {chain} and the key {key} cannot be used: {reason}."
            raise InvalidInputError(problem, "Give PEM files that belong together.", "mesh_certificate") from error

    def _stamped(self) -> list[tuple[int, int, int] | None]:
        return list(map(_stamp, self._paths))


@lru_cache(1)
def mesh_tls() -> MeshTls | None:
    """As the settings of this process have it; None where the mesh has no TLS. Raises InvalidInputError."""
    settings = _Settings.load("mesh", port=0)
    paths = settings.mesh_authority, settings.mesh_certificate, settings.mesh_key
    given = [path for path in paths if path is not None]
    if not given:
        return None
    if len(given) < len(paths):
        names = "VIGENT_MESH_AUTHORITY, VIGENT_MESH_CERTIFICATE and VIGENT_MESH_KEY"
        raise InvalidInputError("TLS in the mesh needs three files.", f"Set {names}.", "mesh_certificate")
    return MeshTls(*given)


def _configuration(pems: Pems) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pems.key, pems.chain)], pems.authority)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
