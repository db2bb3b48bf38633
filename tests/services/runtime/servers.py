"""Starts real model servers on free ports of the loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from vigent.tts.v1 import tts_pb2, tts_pb2_grpc

ROOT = Path(__file__).parents[3]
TTS = "vigent.tts.v1.TtsService"


@dataclass
class Server:
    """A running server process and a plain channel to it."""

    process: asyncio.subprocess.Process
    address: str
    metrics_url: str
    channel: grpc.aio.Channel
    log: Path

    @property
    def tts(self) -> tts_pb2_grpc.TtsServiceAsyncStub:
        return tts_pb2_grpc.TtsServiceStub(self.channel)

    @property
    def health(self) -> health_pb2_grpc.HealthStub:
        return health_pb2_grpc.HealthStub(self.channel)

    def worker(self) -> psutil.Process:
        """The worker child that runs now."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if "spawn_main" in " ".join(child.cmdline()))

    async def check(self, name: str = TTS) -> int:
        """Health, within a second."""
        response = await self.health.Check(health_pb2.HealthCheckRequest(service=name), timeout=1)
        return response.status

    async def until(self, status: int, name: str = TTS, timeout_s: float = 30) -> None:
        """Waits by Watch until health says `status`."""
        async with asyncio.timeout(timeout_s):
            async for response in self.health.Watch(health_pb2.HealthCheckRequest(service=name)):
                if response.status == status:
                    return

    async def ready(self) -> None:
        await self.until(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, timeout_s: float = 20) -> int:
        """Ends the server as Kubernetes would; returns its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), timeout_s)


def environment(options: Mapping[str, object], settings: Mapping[str, object], media_root: Path) -> dict[str, str]:
    defaults = {
        "engine": "tests.knobs.tts:KnobsTts",
        "port": 0,
        "metrics_port": 0,
        "stall_budget_s": 0.5,
        "stall_ceiling_s": 0.5,
        "watch_interval_s": 0.05,
        "cancel_grace_s": 0.2,
        "kill_grace_s": 0.2,
        "drain_delay_s": 0.2,
        "options": json.dumps({name: str(value) for name, value in options.items()}),
    }
    chosen = {f"VIGENT_TTS_{name.upper()}": str(value) for name, value in {**defaults, **settings}.items()}
    return {**os.environ, **chosen, "VIGENT_MEDIA_ROOT": str(media_root), "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen"}


async def launch(
    folder: Path,
    options: Mapping[str, object] | None = None,
    module: str = "tests.services.runtime.tones",
    **settings: object,
) -> tuple[asyncio.subprocess.Process, Path]:
    """Starts the process only; what it logs goes to a file."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            cwd=ROOT,
            env=environment(options or {}, settings, folder / "media"),
        )
    return process, log


@contextlib.asynccontextmanager
async def running(
    folder: Path, options: Mapping[str, object] | None = None, **settings: object
) -> AsyncIterator[Server]:
    """A server that listens; `await server.ready()` for one that is loaded."""
    process, log = await launch(folder, options, **settings)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        found = re.search(r"listening on (\S+), metrics on (\S+)", line)
        assert found, f"{line!r}\n{log.read_text()}"
        async with grpc.aio.insecure_channel(found[1]) as channel:
            yield Server(process, found[1], f"http://{found[2]}/metrics", channel, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def speak(server: Server, text: str = "abc", timeout_s: float = 20) -> list[tts_pb2.SynthesizeResponse]:
    """Every response to one synthesis."""
    call = server.tts.Synthesize(tts_pb2.SynthesizeRequest(text=text), timeout=timeout_s)
    return [response async for response in call]
