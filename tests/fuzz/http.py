"""Malformed requests over HTTP: every operation by Schemathesis with all its checks, and bytes that are no request."""

from __future__ import annotations

import socket

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.fuzz.findings import Findings, leak_in
from tests.fuzz.mangling import Mangler
from tests.support.mesh import Server

_TIMEOUT_S = 240.0  # a crowded machine takes its time to look at the bundled files first
_QUIET = ("/events", "/studio")  # streams that end with the job alone
_WHOLE = (
    b"POST /api/v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
    b'{"script": "Hi."}'
)


def fuzz_operations(gateway: Server, mangler: Mangler, count: int, findings: Findings) -> None:
    """About `count` requests, the same number for each operation and way; the first that is amiss ends an operation."""
    schema = schemathesis.openapi.from_url(f"http://{gateway.address}/openapi.json", timeout=_TIMEOUT_S)
    ways = [
        (found.ok(), mode)
        for found in schema.get_all_operations()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        if mode is GenerationMode.POSITIVE
        or found.ok().query
        or any(body.media_type == "application/json" for body in found.ok().body)
    ]
    with requests.Session() as session:  # whose connections stay open
        for operation, mode in ways:
            chosen = mangler.chance.getrandbits(32)
            _fuzz_one(gateway, session, operation, mode, max(1, count // len(ways)), chosen, findings)


def _fuzz_one(gateway, session, operation, mode, examples: int, chosen: int, findings: Findings) -> None:  # type: ignore[no-untyped-def]
    label = f"HTTP {operation.label}"

    @seed(chosen)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case) -> None:  # type: ignore[no-untyped-def]
        response = case.call(base_url=f"http://{gateway.address}", session=session, timeout=_TIMEOUT_S)
        case.validate_response(response, excluded_checks=[positive_data_acceptance])
        assert response.status_code < 500, response.text
        assert not (response.status_code >= 400 and leak_in(response.text)), response.text
        findings.note("HTTP", str(response.status_code))

    try:
        asked()
    except Exception as error:
        inner = getattr(error, "exceptions", ())
        findings.add(label, mode, f"{type(error).__name__}: {error} {list(map(repr, inner))}")


def fuzz_sockets(gateway: Server, mangler: Mangler, count: int, findings: Findings) -> None:
    """Bytes that are nearly a request; they are answered or not, and never with more than a problem."""
    host, port = gateway.address.split(":")
    for _ in range(count):
        data = mangler.data(_WHOLE)
        with socket.create_connection((host, int(port)), timeout=_TIMEOUT_S) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answer = _answer(connection)
        status = answer.partition(b" ")[2][:3].decode("latin-1")
        if status.startswith("5") or leak_in(answer.decode("latin-1")):
            findings.add("socket", data, answer[:2000].decode("latin-1"))
        else:
            findings.note("socket", status or "closed")


def _answer(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while piece := connection.recv(65_536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer
