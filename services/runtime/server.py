"""Life of a model server: builds everything, serves until a signal, and takes it down in the reverse order."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from services.base.allocator import keep_large_blocks
from services.base.errors import VigentError
from services.base.exits import EXIT_DONE, EXIT_FAILED, exit_code_of
from services.base.log import configure_logging
from services.base.private import keep_files_private
from services.base.secure.own_user import OwnUserOnly
from services.base.setting_names import warn_of_unread_variables
from services.base.settings import ServerSettings
from services.base.terminal import replace_what_cannot_be_shown
from services.base.tracing.spans import start_tracing, stop_tracing
from services.enginekit.canary import Canary
from services.media.storage.opening import open_store
from services.media.store import MediaStore
from services.runtime.canary import CanaryKeeper
from services.runtime.choice import choose
from services.runtime.grpc_server import StopSignals, add_common_services, bind, drain, new_server, open_health_port
from services.runtime.health import Health
from services.runtime.identity import engine_identity
from services.runtime.interceptors import RpcGuard
from services.runtime.metrics import ServerMetrics
from services.runtime.servicer import RuntimeServicer
from services.runtime.worker.call import WINDOW
from services.runtime.worker.messages import Boot
from services.runtime.worker.watchdog import Watchdog
from services.runtime.worker.worker import Worker


@dataclass(frozen=True)
class ServiceSpec:
    """What defines a model server. `attributes` name attributes of the engine, or methods without arguments.

    `engines` maps a name to "module:Class"; `add` registers the servicer. `default_engine` needs no download: it works
    where no checkpoint of a better one is. `fallback_engine` stands in, unless the settings say otherwise, for an
    engine that was asked for by name and is not installed. `canary` is what an idle engine is tried with.
    """

    name: str
    full_name: str
    engines: Mapping[str, str]
    default_engine: str
    add: Callable[[grpc.aio.Server, Worker, MediaStore], None]
    attributes: tuple[str, ...] = ()
    fallback_engine: str = ""
    canary: Canary | None = None


def serve(spec: ServiceSpec) -> int:
    """Runs the server of `spec` until SIGTERM or SIGINT.

    An engine that cannot be loaded does not end the server, which says why and tries again. Returns the exit code:
    0 drained, 1 the drain was cut short, 2 wrong settings, 75 a port is taken.
    """
    keep_large_blocks()
    keep_files_private()
    replace_what_cannot_be_shown()
    try:
        settings = ServerSettings.load(spec.name)
        configure_logging(settings.log_level, spec.name, settings.log_format)
        start_tracing(spec.name)
        warn_of_unread_variables({spec.name: ServerSettings})
        return asyncio.run(_serve(spec, settings))
    except VigentError as error:
        print(f"{spec.name}: {error}", file=sys.stderr)
        return exit_code_of(error)


async def _serve(spec: ServiceSpec, settings: ServerSettings) -> int:
    signals = StopSignals()
    metrics = ServerMetrics(spec.name)
    worker = Worker(_boot(spec, settings), settings, metrics)
    health = Health(spec.full_name)
    neighbours, guard = OwnUserOnly(settings.host), RpcGuard(metrics, spec.full_name)
    server = new_server(settings, neighbours, guard)
    spec.add(server, worker, open_store(settings.media_root))
    runtime = RuntimeServicer(spec.full_name, worker, settings, metrics, lambda: health.identity)
    add_common_services(server, spec.full_name, health, runtime)
    metrics.watch(worker)
    address = f"{settings.host}:{bind(server, settings, spec.name, neighbours)}"
    metrics_port = metrics.serve(settings.host, settings.metrics_port)
    _keep_collections_short()
    await server.start()
    probes = await open_health_port(settings, health, spec.name)
    _say(f"{spec.name} listening on {address}, metrics on {settings.host}:{metrics_port}")
    tasks = [
        asyncio.create_task(job)
        for job in (
            worker.run(),
            Watchdog(worker, settings).run(),
            *([CanaryKeeper(worker, spec.canary, settings, metrics).run()] if spec.canary else []),
            keep_health(
                worker,
                health,
                read_identity=lambda: _identity(spec, worker),
                say_ready=lambda: _say(f"{spec.name} ready on {address} (engine {worker.engine})"),
            ),
        )
    ]
    try:
        await _until_stopped(signals, tasks)
        worker.draining = True
        return EXIT_DONE if await drain(server, health, guard.calls, settings, signals) else EXIT_FAILED
    finally:
        for task in tasks:
            task.cancel()
        await worker.close()
        await server.stop(None)
        if probes is not None:
            await probes.stop(None)
        stop_tracing()


def _keep_collections_short() -> None:
    """Freezes what is loaded now, as it stays to the end: full collections over it delayed health by 40 to 160 ms.

    Not collected before: that takes 0.04 s and finds nothing.
    """
    gc.freeze()


async def _until_stopped(signals: StopSignals, tasks: list[asyncio.Task[None]]) -> None:
    """Waits for a signal. A task's error ends the server; a worker that gave up waits for someone to act."""
    stop = asyncio.ensure_future(signals.first.wait())
    pending: set[asyncio.Future[Any]] = {stop, *tasks}
    while not stop.done():
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def keep_health(
    worker: Worker, health: Health, read_identity: Callable[[], str], say_ready: Callable[[], None]
) -> None:
    """Keeps health in step with the worker until cancelled; calls `say_ready` when it is ready for the first time.

    The identity is read anew with each load: a replaced checkpoint makes different pieces. Files may be slow, so a
    server that takes no calls says so before it reads them, and one that takes calls again only with its new identity.
    """
    known: tuple[object, bool] = (None, False)
    said_ready = False
    while True:
        worker.changed.clear()
        if not worker.ready:
            await _publish(worker, health)
        if known != (worker.process, worker.ready):
            known = (worker.process, worker.ready)
            health.identity = await asyncio.to_thread(read_identity)
        await _publish(worker, health)
        if worker.ready and not said_ready:
            say_ready()
            said_ready = True
        await worker.changed.wait()


async def _publish(worker: Worker, health: Health) -> None:
    problem = str(worker.problem or worker.doubt)
    await health.publish(ready=worker.ready, live=worker.live, problem=problem, missing=worker.missing)


def _identity(spec: ServiceSpec, worker: Worker) -> str:
    settings = worker.engine_settings
    return engine_identity(worker.engine, settings.checkpoint, spec.name, settings.options, worker.version)


def _boot(spec: ServiceSpec, settings: ServerSettings) -> Boot:
    return Boot(
        service=spec.name,
        choice=choose(spec, settings),
        attributes=spec.attributes,
        epoch=0,
        slots=settings.slots,
        window=WINDOW,
        stall_budget_s=settings.stall_budget_s,
        load_budget_s=settings.load_budget_s,
        warm_up_budget_s=settings.warm_up_budget_s,
        log_level=settings.log_level,
        log_format=settings.log_format,
        parent=os.getpid(),
    )


def _say(line: str) -> None:
    """For people and for programs that start servers: standard output, which carries no log."""
    print(line, flush=True)
