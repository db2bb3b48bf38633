"""Real servers on free ports of the loopback, most of them voice servers with a test engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.base.names import PROBLEM_METADATA_KEY
from services.base.status import error_of
from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

ROOT = Path(__file__).parents[2]
TTS = "vigent.tts.v1.TtsService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

SETTINGS = {
    "engine": "tests.knobs.tts:KnobsTts",
    "port": 0,
    "metrics_port": 0,
    "stall_budget_s": 20,
    "recovery__stall_ceiling_s": 3,
    "recovery__watch_interval_s": 0.05,
    "recovery__cancel_grace_s": 0.2,
    "recovery__kill_grace_s": 0.2,
    "drain_delay_s": 0.2,
}
"""Small budgets, so that faults are found quickly; healthy engines keep them on a busy machine.

Where a hang is to be found, the test gives a smaller `stall_budget_s`.
"""

TIMEOUT_S = 60.0


@dataclass
class Server:
    """A running server process and a plain channel to it."""

    process: asyncio.subprocess.Process
    address: str
    metrics_address: str
    channel: grpc.aio.Channel
    log: Path

    @property
    def tts(self) -> tts_pb2_grpc.TtsServiceStub:
        return tts_pb2_grpc.TtsServiceStub(self.channel)

    @property
    def health(self) -> health_pb2_grpc.HealthStub:
        return health_pb2_grpc.HealthStub(self.channel)

    def worker(self) -> psutil.Process:
        """The worker child that runs now."""
        return self.workers()[0]

    def workers(self) -> list[psutil.Process]:
        """Children that hold an engine: one, or none between two."""
        return [child for child in psutil.Process(self.process.pid).children() if is_worker(child)]

    async def replaced(self, old: psutil.Process) -> None:
        """Waits until a worker other than `old` is ready."""
        await poll(lambda: any(child != old for child in self.workers()))
        await self.until(SERVING)

    async def check(self, name: str = TTS) -> int:
        """Health."""
        response = await self.health.Check(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_S)
        return response.status

    async def problem(self) -> str:
        """What health says of an engine that cannot be loaded."""
        call = self.health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
        return str(dict(await call.trailing_metadata()).get(PROBLEM_METADATA_KEY, ""))

    async def until_problem(self, told: str = "") -> None:
        """Asks until health tells a problem, in which `told` occurs."""
        async with asyncio.timeout(TIMEOUT_S):
            while not (problem := await self.problem()) or told not in problem:  # noqa: ASYNC110 - no status changes
                await asyncio.sleep(0.02)

    async def until(self, status: int, name: str = TTS) -> None:
        """Waits by Watch until health says `status`."""
        watch = self.health.Watch(health_pb2.HealthCheckRequest(service=name), timeout=TIMEOUT_S)
        async for response in watch:
            if response.status == status:
                watch.cancel()
                return
        raise AssertionError(f"the server ended before {name!r} had status {status}")

    async def turning_away(self) -> asyncio.Task[None]:
        """Done once health says NOT_SERVING; the server is ready and knows of the watch when this returns."""
        watch = self.health.Watch(health_pb2.HealthCheckRequest(service=TTS), timeout=TIMEOUT_S)
        assert (await watch.read()).status == SERVING

        async def turned_away() -> None:
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()

        return asyncio.create_task(turned_away())

    async def metrics(self) -> dict[str, float]:
        """What a scrape gives, by name with labels."""
        url = f"http://{self.metrics_address}/metrics"
        text = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=TIMEOUT_S).read().decode())
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    async def until_metric(self, name: str, value: float = 1) -> None:
        """Scrapes until the metric has this value."""
        await self._until(name, lambda found: found == value)

    async def until_count(self, name: str, least: float) -> None:
        """Scrapes until the counter has come so far."""
        await self._until(name, lambda found: found is not None and found >= least)

    async def _until(self, name: str, reached: Callable[[float | None], bool]) -> None:
        found = None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not reached(found := (await self.metrics()).get(name)):  # noqa: ASYNC110 - a scrape is no event
                    await asyncio.sleep(0.02)
        except TimeoutError:
            log = self.log.read_text(encoding="utf-8")
            raise AssertionError(f"{name} is {found} after {TIMEOUT_S:g} s; the server says:\n{log[-4000:]}") from None

    def speak(self, text: str = "abc", timeout_s: float = TIMEOUT_S) -> grpc.aio.UnaryStreamCall:
        """Starts a synthesis: a unit for each character."""
        return self.tts.Synthesize(tts_pb2.SynthesizeRequest(text=text), timeout=timeout_s)


def is_worker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return "spawn_main" in " ".join(process.cmdline())
    return False


async def poll(holds: Callable[[], bool]) -> None:
    """Waits for something that another process does and nobody tells."""
    async with asyncio.timeout(TIMEOUT_S):
        while not holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.02)


async def launch(
    folder: Path, options: Mapping[str, object] | None = None, settings: Mapping[str, object] | None = None
) -> tuple[asyncio.subprocess.Process, Path]:
    """Starts the process of a voice server; what it logs goes to a file in `folder`."""
    texts = {name: str(value) for name, value in (options or {}).items()}
    chosen = {**SETTINGS, "options": json.dumps(texts), **(settings or {})}
    environment = {f"VIGENT_TTS_{name.upper()}": str(value) for name, value in chosen.items()}
    return await start("tts", folder, environment)


async def start(section: str, folder: Path, environment: Mapping[str, str]) -> tuple[asyncio.subprocess.Process, Path]:
    """Starts the process of any model server; what it logs goes to a file in `folder`."""
    shared = {"VIGENT_MEDIA_ROOT": f"{folder}/media", "VIGENT_CONFIG": f"{folder}/vigent.toml"}
    log = folder / "server.log"
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{section}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen", **shared, **environment},
        )
    return process, log


@contextlib.asynccontextmanager
async def listening(
    folder: Path, options: Mapping[str, object] | None = None, **settings: object
) -> AsyncIterator[Server]:
    """A voice server that listens; its engine is being loaded."""
    async with connected(*await launch(folder, options, settings)) as server:
        yield server


@contextlib.asynccontextmanager
async def connected(process: asyncio.subprocess.Process, log: Path) -> AsyncIterator[Server]:
    """A server whose process was just started, once it listens."""
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), TIMEOUT_S)).decode()
        found = re.search(r"listening on (\S+), metrics on (\S+)", line)
        assert found, log.read_text(encoding="utf-8")  # noqa: ASYNC240 - the test ends here
        async with grpc.aio.insecure_channel(found[1]) as channel:
            yield Server(process, found[1], found[2], channel, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def serving(
    folder: Path, options: Mapping[str, object] | None = None, **settings: object
) -> AsyncIterator[Server]:
    """A voice server that is ready."""
    async with listening(folder, options, **settings) as server:
        await server.until(SERVING)
        yield server


async def stop(server: Server) -> int:
    """Ends the server as Kubernetes would; returns its exit code."""
    server.process.send_signal(signal.SIGTERM)
    return await asyncio.wait_for(server.process.wait(), TIMEOUT_S)


async def events(call: grpc.aio.UnaryStreamCall) -> list[str]:
    """What comes of a synthesis, by kind, to its end."""
    kinds = []
    while (response := await call.read()) is not grpc.aio.EOF:
        kinds.append(response.WhichOneof("event"))
    return kinds


async def failure(call: grpc.aio.UnaryStreamCall) -> tuple[grpc.StatusCode, Exception]:
    """How a synthesis failed: gRPC code and our own error."""
    try:
        await events(call)
    except grpc.aio.AioRpcError as error:
        return error.code(), error_of(error)
    raise AssertionError("the call did not fail")


async def until_event(call: grpc.aio.UnaryStreamCall, kind: str = "audio") -> None:
    """Reads until a response of this kind has come."""
    while (await call.read()).WhichOneof("event") != kind:
        pass


async def ended(folder: Path, options: dict[str, object] | None = None, **settings: object) -> tuple[int, str, str]:
    """Exit code, standard output and error of a server that does not stay."""
    process, log = await launch(folder, options, settings)
    out, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), log.read_text(encoding="utf-8")
