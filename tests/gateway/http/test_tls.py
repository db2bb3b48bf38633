"""The gateway over HTTPS: its certificate, a new one while it runs, and wrong ones."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.__main__ import certificate_of
from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError
from tests.support.certificates import Authority, Pair
from tests.support.commands import TIMEOUT_S, until
from tests.support.mesh import Server, run_server


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def gateway(tmp_path: Path, authority: Authority) -> Iterator[Server]:
    with run_server("gateway", tmp_path, settings(authority.issue("127.0.0.1"))) as server:
        yield server


def settings(pair: Pair) -> dict[str, str]:
    return {"VIGENT_GATEWAY_TLS_CERTIFICATE": str(pair.chain), "VIGENT_GATEWAY_TLS_KEY": str(pair.key)}


def shown(server: Server, authority: Authority) -> bytes:
    """The certificate that a new connection gets."""
    host, _, port = server.address.partition(":")
    plain = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
    with plain, authority.trusted().wrap_socket(plain, server_hostname=host) as connection:
        certificate = connection.getpeercert(binary_form=True)
    assert certificate
    return certificate


@pytest.mark.fault(
    "certificate expires or is replaced",
    promised="Connections go on; new ones get the new certificate, or the old one while the new one cannot be used.",
)
def test_a_certificate_is_replaced_under_a_running_gateway(gateway: Server, authority: Authority) -> None:
    before = shown(gateway, authority)
    with httpx.Client(base_url=f"https://{gateway.address}", verify=authority.trusted(), trust_env=False) as client:
        assert client.get("/livez", timeout=TIMEOUT_S).text == "ok\n"
        pair = authority.issue("127.0.0.1")
        assert until(lambda: shown(gateway, authority) != before)
        assert client.get("/livez", timeout=TIMEOUT_S).text == "ok\n"
        now = shown(gateway, authority)
        pair.chain.write_text("half a certificate", encoding="utf-8")
        assert until(lambda: "the old one stays" in gateway.log.read_text(encoding="utf-8"))
        assert shown(gateway, authority) == now
    renewed = authority.issue("127.0.0.1")
    assert renewed == pair
    assert until(lambda: shown(gateway, authority) != now)


def test_over_https_its_user_signs_in_with_a_secure_cookie(gateway: Server, authority: Authority) -> None:
    with httpx.Client(base_url=f"https://{gateway.address}", verify=authority.trusted(), trust_env=False) as client:
        assert client.get("/api/v1/keys", timeout=TIMEOUT_S).status_code == 200
        signed_out = client.post("/sign-out", headers={"Origin": f"https://{gateway.address}"}, timeout=TIMEOUT_S)
    assert "secure" in signed_out.headers["set-cookie"].lower()


def test_files_that_are_no_pair_are_told(tmp_path: Path, authority: Authority) -> None:
    pair, other = authority.issue("127.0.0.1"), authority.issue("127.0.0.1", to="other")
    for chain, key in ((pair.chain, other.key), (pair.chain, tmp_path / "none"), (pair.key, pair.key)):
        told = GatewaySettings.load("gateway", tls_certificate=chain, tls_key=key)
        with pytest.raises(InvalidInputError, match="cannot be used"):
            certificate_of(told)
    with pytest.raises(InvalidInputError) as half:
        certificate_of(GatewaySettings.load("gateway", tls_certificate=pair.chain))
    assert half.value.field == "tls_key"
