"""Every secret that the settings know, given to real servers at their most talkative, is found nowhere afterwards."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import httpx
import pytest

from tests.gateway.conftest import client_of
from tests.support.certificates import Authority
from tests.support.commands import TIMEOUT_S, environment_of, until, vigent
from tests.support.keys import bearer, made
from tests.support.mesh import ROOT, Mesh, Server, own_port, run_mesh, run_server
from vigent.jobs.v1 import jobs_pb2, jobs_pb2_grpc
from vigent.media.v1 import media_pb2
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

TOKENS = {
    name: f"a-secret-{number}-of-tests"
    for number, name in enumerate(
        (
            *("VIGENT_GATEWAY_STUDIO_TOKEN", "VIGENT_HUB_TOKEN", "HF_TOKEN"),
            *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        )
    )
}
PASSWORD = "p%40ss-word-of-tests"
WRONG = "vigent_00000000_a-wrong-key-of-tests"
DATABASE = f"postgresql://vigent:{PASSWORD}@127.0.0.1:{{}}/vigent?connect_timeout=1"
SCRIPT = "Only the maker reads this sentence."
DEBUG = {
    f"VIGENT_{name}_LOG_LEVEL": "DEBUG" for name in ("TTS", "LIPSYNC", "ASR", "OVERLAY", "ORCHESTRATOR", "GATEWAY")
}
SOONER = {"VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts", "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync"}
NEVER = [*TOKENS.values(), PASSWORD, "p@ss-word-of-tests", WRONG, SCRIPT]


class Told:
    """All that was said, and by whom."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def add(self, who: str, what: object) -> None:
        self.said.append((who, str(what)))

    def secrets(self, never: list[str]) -> list[tuple[str, str, str]]:
        """Who told which, and where it stands."""
        return [
            (who, secret, what[max(0, what.index(secret) - 200) : what.index(secret) + 80])
            for who, what in self.said
            for secret in never
            if secret in what
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def mesh(folder: Path) -> Iterator[Mesh]:
    with run_mesh(folder / "mesh", {**TOKENS, **DEBUG, **SOONER}) as running:
        yield running


@pytest.fixture(scope="module")
def key(folder: Path) -> str:
    return made(folder / "keys.json", "tester", ["admin"])


@pytest.fixture(scope="module")
def gateway(mesh: Mesh, folder: Path, key: str) -> Iterator[Server]:
    assert key
    targets = {f"VIGENT_GATEWAY_{name.upper()}": server.address for name, server in mesh.servers.items()}
    keys = {"VIGENT_GATEWAY_LOOPBACK_IS_OPEN": "false", "VIGENT_GATEWAY_KEYS_FILE": str(folder / "keys.json")}
    with run_server("gateway", mesh.data, {**TOKENS, **DEBUG, **targets, **keys}) as running:
        yield running


def requests(gateway: Server, key: str) -> Iterator[httpx.Response]:
    """Of each kind, well and badly asked, by those who may and those who may not."""
    token = TOKENS["VIGENT_GATEWAY_STUDIO_TOKEN"]
    basic = base64.b64encode(f"user:{WRONG}".encode()).decode()
    with client_of(gateway) as client:
        for headers in ({}, bearer(WRONG), bearer(key), {"Authorization": f"Basic {basic}"}):
            for path in (
                "/api/v1/jobs",
                "/api/v1/jobs/none",
                "/probe/tts",
                "/metrics",
                "/api/v1/keys",
                "/readyz",
                "/none",
            ):
                yield client.get(path, headers=headers)
        for given in (token, WRONG, key):
            yield client.get("/sign-in", params={"token": given})
            yield client.post("/sign-in", data={"key": given})
        yield client.get("/", params={"token": WRONG})
        yield client.post("/api/v1/jobs", headers=bearer(key), json={"script": SCRIPT, "footage": "none"})
        yield client.post("/api/v1/jobs", headers=bearer(key), content=b'{"script": ' + SCRIPT.encode())
        yield client.post("/api/v1/footage", headers=bearer(key), files={"file": ("a.mp4", b"no film")})
        yield client.post("/v1/audio/speech", headers=bearer(key), json={"input": SCRIPT, "voice": "nobody"})
        yield client.post("/v1/audio/speech", headers=bearer(key), json={"input": SCRIPT, "voice": "alloy"})


async def calls(mesh: Mesh) -> list[str]:
    """What servers answer to calls that are right and wrong, with a key where none is asked for."""
    told = []
    metadata = (("authorization", f"Bearer {WRONG}"),)
    for name, server in mesh.servers.items():
        async with grpc.aio.insecure_channel(server.address) as channel:
            jobs, tts, runtime = (
                jobs_pb2_grpc.JobServiceStub(channel),
                tts_pb2_grpc.TtsServiceStub(channel),
                runtime_pb2_grpc.RuntimeServiceStub(channel),
            )
            missing = media_pb2.MediaRef(sha256="0" * 64)
            asked = [
                runtime.Describe(runtime_pb2.DescribeRequest(), metadata=metadata),
                runtime.GetStatus(runtime_pb2.GetStatusRequest(), metadata=metadata),
                jobs.GetJob(jobs_pb2.GetJobRequest(id="none"), metadata=metadata),
                channel.unary_unary("/vigent.tts.v1.TtsService/Synthesize")(b"\xff\xff", metadata=metadata),
            ]
            stream = tts.Synthesize(tts_pb2.SynthesizeRequest(text=SCRIPT, reference_audio=missing), metadata=metadata)
            told += [f"{name}: {await _answer(call)}" for call in (*asked, stream)]
    return told


async def _answer(call: grpc.aio.Call) -> str:
    try:
        if isinstance(call, grpc.aio.UnaryStreamCall):
            return " ".join([str(response) async for response in call])
        return str(await call)
    except grpc.aio.AioRpcError as error:
        return f"{error.details()} {error.trailing_metadata()} {error.debug_error_string()}"


@pytest.mark.timeout(900)
def test_servers_that_are_asked_all_kinds_of_things_tell_no_secret(mesh: Mesh, gateway: Server, key: str) -> None:
    told = Told()
    for response in requests(gateway, key):
        told.add(f"{response.request.method} {response.request.url.path}", f"{dict(response.headers)} {response.text}")
    for answer in asyncio.run(calls(mesh)):
        told.add("gRPC", answer)
    for name, server in mesh.servers.items():
        told.add(f"metrics of {name}", httpx.get(f"http://{server.metrics}/metrics", timeout=TIMEOUT_S).text)
    for log in mesh.data.glob("*.log"):
        told.add(log.name, log.read_text(encoding="utf-8"))
    assert any("DEBUG" in what for _, what in told.said)
    assert len(told.said) > 60
    assert told.secrets([*NEVER, key]) == []


def ended(module: str, environment: Mapping[str, str], folder: Path) -> str:
    """What a server says that does not come up, or not to an end within a while."""
    shared = {"VIGENT_CONFIG": str(folder / "none.toml"), "VIGENT_MEDIA_ROOT": str(folder / "media")}
    section = module.rpartition(".")[2].upper()
    ports = {f"VIGENT_{section}_PORT": str(own_port()), f"VIGENT_{section}_METRICS_PORT": "0"}
    log = folder / f"{module}-ended.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=environment_of({**TOKENS, **DEBUG, **SOONER, **shared, **ports, **environment}),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: process.poll() is not None or _complains(log), TIMEOUT_S)
    finally:
        process.kill()
        process.wait()
    return log.read_text(encoding="utf-8")


def _complains(log: Path) -> bool:
    return any(word in log.read_text(encoding="utf-8") for word in ("ERROR", "WARNING", "CRITICAL"))


def failures(folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Servers, and why they do not come up."""
    broken = folder / "broken.pem"
    broken.write_text(f"-----BEGIN PRIVATE KEY-----\n{PASSWORD}\n-----END PRIVATE KEY-----\n", encoding="utf-8")
    certificate = Authority(folder).issue("localhost").chain
    storage = {"VIGENT_OBJECT_STORAGE": "s3://films/x", "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{own_port()}"}
    return {
        "database away": ("orchestrator", {"VIGENT_ORCHESTRATOR_DATABASE_URL": DATABASE.format(own_port())}),
        "database of no kind": ("orchestrator", {"VIGENT_ORCHESTRATOR_DATABASE_URL": f"nosql://u:{PASSWORD}@h/x"}),
        "TLS key broken": (
            "gateway",
            {"VIGENT_GATEWAY_TLS_CERTIFICATE": str(certificate), "VIGENT_GATEWAY_TLS_KEY": str(broken)},
        ),
        "mesh key broken": (
            "services.tts",
            {f"VIGENT_MESH_{name}": str(broken) for name in ("AUTHORITY", "CERTIFICATE", "KEY")},
        ),
        "object storage away": ("services.tts", storage),
        "object storage with password": ("services.tts", {"VIGENT_OBJECT_STORAGE": f"s3://u:{PASSWORD}@films"}),
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "why",
    [
        *("database away", "database of no kind", "TLS key broken", "mesh key broken"),
        *("object storage away", "object storage with password"),
    ],
)
def test_servers_that_do_not_come_up_tell_no_secret(tmp_path: Path, why: str) -> None:
    module, environment = failures(tmp_path)[why]
    told = Told()
    told.add(why, ended(module, environment, tmp_path))
    assert told.said[0][1]
    assert told.secrets(NEVER) == []


@pytest.mark.timeout(900)
def test_commands_tell_no_secret(tmp_path: Path) -> None:
    told = Told()
    database = {"VIGENT_ORCHESTRATOR_DATABASE_URL": DATABASE.format(1)}
    hub = {"VIGENT_HUB_URL": f"http://127.0.0.1:{own_port()}"}
    for command in (("doctor",), ("models", "pull", "qwen3"), ("jobs",), ("keys", "list")):
        done = vigent(*command, cwd=tmp_path, environment={**TOKENS, **SOONER, **database, **hub})
        told.add(" ".join(command), done.stdout + done.stderr)
    assert all(what for _, what in told.said)
    assert told.secrets(NEVER) == []
