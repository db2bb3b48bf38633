"""Certificates of an authority of the tests, in PEM files as servers and clients want them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    chain: Path
    key: Path


class Authority:
    """Signs certificates; `file` has its own."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._folder = folder
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, to: str = "server") -> Pair:
        """A new certificate for these names, in the files of `to`, which are replaced as a whole."""
        issued = self._authority.issue_cert(*names)
        pair = Pair(self._folder / f"{to}.pem", self._folder / f"{to}.key")
        chain, key = pair.chain.with_suffix(".new"), pair.key.with_suffix(".newkey")
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        key.write_bytes(issued.private_key_pem.bytes())
        key.replace(pair.key)
        chain.replace(pair.chain)
        return pair

    def trusted(self) -> ssl.SSLContext:
        """What a client of such servers uses."""
        return ssl.create_default_context(cafile=self.file)
