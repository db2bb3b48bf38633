"""TLS between the processes of a mesh: members alone are answered, and their certificates change while they run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.base.direct import NO_PROXY
from services.base.errors import InvalidInputError
from services.base.names import FULL_NAMES, LIVENESS
from services.base.secure.mesh_tls import MESH_NAME, MeshTls, mesh_tls
from tests.gateway.conftest import NOBODY, client_of
from tests.support.certificates import Authority, Pair
from tests.support.commands import TIMEOUT_S, until
from tests.support.mesh import Server, own_port, run_server
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

OPTIONS = [NO_PROXY, ("grpc.ssl_target_name_override", MESH_NAME)]


class Members:
    """A voice server and a gateway that speak TLS with each other."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.authority = Authority(folder)
        self.pair = self.authority.issue(MESH_NAME)
        certificates = {
            "VIGENT_MESH_AUTHORITY": str(self.authority.file),
            "VIGENT_MESH_CERTIFICATE": str(self.pair.chain),
            "VIGENT_MESH_KEY": str(self.pair.key),
        }
        self.health = f"127.0.0.1:{own_port()}"
        told = {**certificates, "VIGENT_TTS_HEALTH_PORT": self.health.rpartition(":")[2]}
        self.tts = stack.enter_context(run_server("services.tts", folder, told))
        told = {**certificates, "VIGENT_GATEWAY_TTS": self.tts.address, "VIGENT_GATEWAY_ORCHESTRATOR": NOBODY}
        self.gateway = stack.enter_context(run_server("gateway", folder, told))

    def voices(self) -> list[str]:
        """What the gateway hears from the voice server."""
        with client_of(self.gateway) as client:
            return [voice["id"] for voice in client.get("/api/v1/voices").json()["engine"]]


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Members]:
    with ExitStack() as stack:
        yield Members(tmp_path_factory.mktemp("members"), stack)


def asked(tts: Server, credentials: grpc.ChannelCredentials | None) -> grpc.StatusCode:
    """How a call ends that is made with these credentials, None for no TLS."""
    secure = credentials is not None
    opened = grpc.secure_channel(tts.address, credentials, OPTIONS) if secure else grpc.insecure_channel(tts.address)
    with opened as channel:
        try:
            tts_pb2_grpc.TtsServiceStub(channel).ListVoices(tts_pb2.ListVoicesRequest(), timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def as_member(authority: Authority, pair: Pair) -> grpc.ChannelCredentials:
    return MeshTls(authority.file, pair.chain, pair.key).channel_credentials()


def test_members_hear_each_other(members: Members) -> None:
    assert members.voices()
    assert asked(members.tts, as_member(members.authority, members.pair)) is grpc.StatusCode.OK


def test_nobody_else_is_answered(members: Members, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    stranger = other.issue(MESH_NAME)
    trusting = members.authority.file.read_bytes()
    without = grpc.ssl_channel_credentials(trusting)
    foreign = grpc.ssl_channel_credentials(trusting, stranger.key.read_bytes(), stranger.chain.read_bytes())
    assert {asked(members.tts, credentials) for credentials in (None, without, foreign)} == {
        grpc.StatusCode.UNAVAILABLE
    }


def test_a_server_of_another_authority_is_told_nothing(members: Members, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    assert asked(members.tts, as_member(other, other.issue(MESH_NAME))) is grpc.StatusCode.UNAVAILABLE


def test_health_has_a_port_apart_for_who_knows_no_tls(members: Members) -> None:
    with grpc.insecure_channel(members.health, [NO_PROXY]) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in (LIVENESS, FULL_NAMES["tts"]):
            answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_S)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.RpcError) as refused:
            tts_pb2_grpc.TtsServiceStub(channel).ListVoices(tts_pb2.ListVoicesRequest(), timeout=TIMEOUT_S)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.fault("certificate expires or is replaced")
def test_the_whole_authority_is_replaced_while_all_run(members: Members) -> None:
    """Servers and clients take the new files by themselves; those of the old authority are worth nothing then."""
    old = as_member(members.authority, members.pair)
    members.authority = Authority(members.authority.file.parent)
    members.pair = members.authority.issue(MESH_NAME)
    new = as_member(members.authority, members.pair)
    assert until(lambda: asked(members.tts, new) is grpc.StatusCode.OK)
    assert asked(members.tts, old) is grpc.StatusCode.UNAVAILABLE
    assert_shows(members.tts, members.authority)
    members.tts.stop()
    members.tts.start()  # so that the gateway has to connect again, with what it has now
    assert until(lambda: bool(members.voices()))


def assert_shows(tts: Server, authority: Authority) -> None:
    """The server's certificate is of the authority. Raises ssl.SSLError when it is not."""
    host, _, port = tts.address.partition(":")
    context = authority.trusted()
    context.set_alpn_protocols(["h2"])
    plain = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
    with plain, context.wrap_socket(plain, server_hostname=MESH_NAME) as connection:
        assert connection.getpeercert()


def test_two_files_of_three_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("VIGENT_CONFIG", str(tmp_path / "none.toml"))
    monkeypatch.setenv("VIGENT_MESH_AUTHORITY", str(authority.file))
    mesh_tls.cache_clear()
    with pytest.raises(InvalidInputError, match="three files"):
        mesh_tls()
    for name in ("CERTIFICATE", "KEY"):
        monkeypatch.setenv(f"VIGENT_MESH_{name}", str(tmp_path / "missing.pem"))
    with pytest.raises(InvalidInputError, match="cannot be used"):
        mesh_tls()
    monkeypatch.undo()
    mesh_tls.cache_clear()
    assert mesh_tls() is None
