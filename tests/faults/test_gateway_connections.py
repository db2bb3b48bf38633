"""Clients that only hold connections: the gateway answers probes and others meanwhile, and gets its places back."""

from __future__ import annotations

import http.client
import json
import select
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
import psutil
import pytest

from tests.gateway.conftest import NOBODY, PATIENT
from tests.support.commands import TIMEOUT_S, until
from tests.support.films import face_picture
from tests.support.mesh import Server, run_server
from tests.support.scrapes import metrics_of

CROWD = 600  # more than all places
ALONE = {
    **PATIENT,
    **{f"VIGENT_GATEWAY_{name}": NOBODY for name in ("ORCHESTRATOR", "TTS", "LIPSYNC", "ASR", "OVERLAY")},
}
LASTING = {f"VIGENT_GATEWAY_WAITS__{name}_TIMEOUT_S": "600" for name in ("HEAD", "BODY", "WRITE")}
BIG_FILE = "/assets/fonts/NotoSansSC-Bold.otf"
SMALL_FILE = "/assets/fonts/fonts.json"
HEAD = "Host: localhost\r\n"
HALF_A_BODY = (
    f"POST /api/v1/jobs HTTP/1.1\r\n{HEAD}Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n" + "{"
)


@dataclass
class Answer:
    """What came over a socket of the test's own."""

    status: int
    reason: str
    headers: Mapping[str, str]


class Crowd:
    """Connections that are held open, each having sent the same."""

    def __init__(self, server: Server, size: int, sent: str, receive_buffer_bytes: int = 0) -> None:
        self._stack = ExitStack()
        self.sockets = [self._connected(server, sent, receive_buffer_bytes) for _ in range(size)]

    def _connected(self, server: Server, sent: str, receive_buffer_bytes: int) -> socket.socket:
        host, _, port = server.address.rpartition(":")
        connection = self._stack.enter_context(socket.socket())
        connection.settimeout(TIMEOUT_S)
        if receive_buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        connection.connect((host, int(port)))
        with suppress(ConnectionError):  # it may be ended in the middle
            connection.sendall(sent.encode())
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def answer(connection: socket.socket) -> Answer:
    """The next response of a connection; a problem, if it is an error."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    if response.status < 400:
        return Answer(response.status, "", headers)
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(response.read())
    assert problem["status"] == response.status
    return Answer(response.status, problem["reason"], headers)


def ask(server: Server, path: str) -> httpx.Response:
    """By a connection of its own, as a probe comes."""
    return httpx.get(f"http://{server.address}{path}", timeout=TIMEOUT_S, trust_env=False)


def refusals(server: Server, reason: str) -> float:
    """How often there was no place, as the metrics say."""
    with httpx.Client(base_url=f"http://{server.address}", timeout=TIMEOUT_S, trust_env=False) as client:
        return metrics_of(client).get(("vigent_admission_refused_total", f"{reason} gateway"), 0)


def places(server: Server) -> int:
    """Connections that clients have to the gateway."""
    port = int(server.address.rpartition(":")[2])
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in connections)


@contextmanager
def gateway_of(folder: Path, **settings: str) -> Iterator[Server]:
    """A gateway without services, but for what `settings` say."""
    told = {f"VIGENT_GATEWAY_{name.upper()}": value for name, value in settings.items()}
    with run_server("gateway", folder, {**ALONE, **LASTING, **told}) as server:
        yield server


def submitted(server: Server) -> str:
    """Id of a job."""
    with httpx.Client(base_url=f"http://{server.address}", timeout=TIMEOUT_S, trust_env=False) as client:
        footage = client.post("/api/v1/footage", files={"file": ("face.png", face_picture())}).json()["id"]
        job_id: str = client.post("/api/v1/jobs", json={"script": "Hello.", "footage": footage}).json()["id"]
        return job_id


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway that waits as long as any test, so that only its places are bounded."""
    with gateway_of(tmp_path_factory.mktemp("patient")) as server:
        yield server


@pytest.mark.parametrize("sent", ["", "GET /api/v1/jobs HTTP/1.1\r\nX-Half:"], ids=["nothing", "half a head"])
def test_connections_that_ask_nothing_make_room(patient: Server, sent: str) -> None:
    before = refusals(patient, "connections_full")
    with Crowd(patient, CROWD, sent):
        assert ask(patient, "/livez").status_code == 200
        assert ask(patient, SMALL_FILE).status_code == 200
        assert places(patient) <= 512
        assert refusals(patient, "connections_full") - before >= CROWD - 512
    assert until(lambda: places(patient) == 0)


def test_slow_bodies_take_a_quarter_of_the_places(patient: Server) -> None:
    with Crowd(patient, CROWD, HALF_A_BODY) as crowd:
        assert ask(patient, "/livez").status_code == 200
        assert until(lambda: refusals(patient, "requests_full") > 0)
        refused = ask(patient, "/api/v1/footage")
        assert (refused.status_code, refused.json()["reason"]) == (503, "REQUESTS_FULL")
        assert int(refused.headers["retry-after"]) > 0
        assert ask(patient, SMALL_FILE).status_code == 200
        turned_away = answer(crowd.sockets[-1])
        assert (turned_away.status, turned_away.reason) == (503, "REQUESTS_FULL")
    assert until(lambda: ask(patient, "/api/v1/footage").status_code == 200)


def test_downloads_that_nobody_reads_take_half_of_the_places(patient: Server) -> None:
    sent = f"GET {BIG_FILE} HTTP/1.1\r\n{HEAD}\r\n"
    with Crowd(patient, 300, sent, receive_buffer_bytes=4096) as crowd:
        assert answer(crowd.sockets[0]).status == 200
        turned_away = answer(crowd.sockets[-1])
        assert (turned_away.status, turned_away.reason) == (503, "STREAMS_FULL")
        assert int(turned_away.headers["retry-after"]) > 0
        assert ask(patient, "/livez").status_code == 200
        assert ask(patient, "/api/v1/footage").status_code == 200
        assert ask(patient, SMALL_FILE).status_code == 503
    assert until(lambda: ask(patient, SMALL_FILE).status_code == 200)


def test_crowds_leave_nothing_behind(patient: Server) -> None:
    process = psutil.Process(patient.process.pid)

    def crowds() -> int:
        for sent in ("", HALF_A_BODY, f"GET {SMALL_FILE} HTTP/1.1\r\n{HEAD}\r\n"):
            with Crowd(patient, CROWD, sent):
                assert ask(patient, "/livez").status_code == 200
        assert until(lambda: places(patient) == 0)
        return process.memory_info().rss

    crowds()
    files, resident_bytes = process.num_fds(), crowds()
    assert crowds() - resident_bytes < 16 * 2**20
    assert until(lambda: process.num_fds() <= files)


def test_event_streams_have_places_of_their_own(tmp_path: Path) -> None:
    """The job waits for model servers that are away, and those who follow it with it."""
    away = {f"VIGENT_ORCHESTRATOR_{name}": NOBODY for name in ("TTS", "LIPSYNC", "ASR", "OVERLAY")}
    database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"sqlite:///{tmp_path / 'jobs.db'}"}
    with (
        run_server("orchestrator", tmp_path, {**away, **database}) as orchestrator,
        gateway_of(tmp_path, orchestrator=orchestrator.address) as server,
    ):
        job_id = submitted(server)
        with Crowd(server, FOLLOWERS, f"GET /api/v1/jobs/{job_id}/events HTTP/1.1\r\n{HEAD}\r\n") as crowd:
            answers = [answer(connection) for connection in crowd.sockets]
            assert Counter((one.status, one.reason) for one in answers) == {
                (200, ""): 256,
                (503, "STREAMS_FULL"): FOLLOWERS - 256,
            }
            assert ask(server, "/livez").status_code == 200
            assert ask(server, f"/api/v1/jobs/{job_id}").status_code == 200
        assert until(lambda: ask(server, SMALL_FILE).status_code == 200)


def test_heads_that_never_end_are_ended(tmp_path: Path) -> None:
    """However busily their bytes come."""
    with gateway_of(tmp_path, waits__head_timeout_s="1") as server, Crowd(server, 2, "") as crowd:
        slow, silent = crowd.sockets
        slow.setblocking(False)
        for byte in "GET /livez HTTP/1.1\r\nX-Slow: " + "a" * 10_000:
            with suppress(BlockingIOError, ConnectionError):
                slow.send(byte.encode())
            if refusals(server, "head_late"):
                break
        slow.settimeout(TIMEOUT_S)
        late = answer(slow)
        assert (late.status, late.reason) == (408, "REQUEST_TIMEOUT")
        assert silent.recv(1) == b""  # which has nothing to be told
        assert until(lambda: places(server) == 0)


def test_bodies_that_never_end_are_ended(tmp_path: Path) -> None:
    """Though they never stand still."""
    with (
        gateway_of(tmp_path, waits__body_timeout_s="1", waits__head_timeout_s="2") as server,
        Crowd(server, 1, HALF_A_BODY) as crowd,
    ):
        while not select.select(crowd.sockets, [], [], 0)[0]:
            crowd.sockets[0].sendall(b" ")
            ask(server, "/livez")
        late = answer(crowd.sockets[0])
        assert (late.status, late.reason) == (408, "REQUEST_TIMEOUT")
        assert until(lambda: places(server) == 0)  # the rest of the body is not waited for


@pytest.mark.fault("caller that reads slowly, or not at all")
def test_readers_that_never_read_are_cut_off(tmp_path: Path) -> None:
    sent = f"GET {BIG_FILE} HTTP/1.1\r\n{HEAD}\r\n"
    with (
        gateway_of(tmp_path, waits__write_timeout_s="1") as server,
        Crowd(server, 1, sent, receive_buffer_bytes=4096) as crowd,
    ):
        assert crowd.sockets[0].recv(4) == b"HTTP"
        assert until(lambda: places(server) == 0)
        assert ask(server, "/livez").status_code == 200


def test_few_open_files_are_fewer_connections(tmp_path: Path) -> None:
    limited = ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh"]
    with run_server("gateway", tmp_path, {**ALONE, **LASTING}, limited) as server, Crowd(server, CROWD, ""):
        assert ask(server, "/livez").status_code == 200
        assert places(server) <= 36
        assert "36 connections instead of 512" in server.log.read_text(encoding="utf-8")
        assert "Too many open files" not in server.log.read_text(encoding="utf-8")


@pytest.mark.fault("malformed bytes, other protocols")
@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [
        ("\x16\x03\x01 not HTTP\r\n\r\n", 400, "NO_HTTP"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "NO_HTTP"),  # without a host
        (f"GET /{'a' * 100_000}", 431, "HEAD_TOO_LARGE"),
        (f"GET / HTTP/1.1\r\n{HEAD}X-Long: {'a' * 100_000}", 431, "HEAD_TOO_LARGE"),
        (f"POST /api/v1/jobs HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\nno size\r\n", 400, "NO_HTTP"),
    ],
    ids=["TLS", "no host", "long address", "long header", "broken chunk"],
)
def test_what_is_no_http_is_answered_with_a_problem(patient: Server, sent: str, status: int, reason: str) -> None:
    with Crowd(patient, 1, sent) as crowd:
        refused = answer(crowd.sockets[0])
        assert (refused.status, refused.reason, refused.headers["connection"]) == (status, reason, "close")
        assert crowd.sockets[0].recv(1) == b""
    assert "Traceback" not in patient.log.read_text(encoding="utf-8")


def test_probes_are_answered_while_requests_end(tmp_path: Path) -> None:
    with gateway_of(tmp_path) as server, Crowd(server, 1, HALF_A_BODY) as crowd:
        assert until(lambda: places(server) > 0)
        server.process.send_signal(signal.SIGTERM)
        assert until(lambda: ask(server, "/readyz").json()["reason"] == "DRAINING")
        assert until(lambda: ask(server, "/api/v1/footage").status_code == 503)
        refused = ask(server, "/api/v1/footage")
        assert (refused.json()["reason"], refused.headers["retry-after"]) == ("DRAINING", "2")
        assert ask(server, "/livez").status_code == 200
        crowd.sockets[0].sendall(b"}" + b" " * 99_998)
        assert answer(crowd.sockets[0]).status == 422  # an answer of its own: fields are missing
        assert server.process.wait(TIMEOUT_S) == -signal.SIGTERM  # which uvicorn raises again in the end


FOLLOWERS = 500  # as many connections as there are places for; one more could end one that has just asked
