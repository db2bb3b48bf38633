"""Life of the orchestrator: builds everything, recovers what a crash interrupted, serves until a signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import sqlalchemy as sa

from orchestrator.jobs.collector import Collector
from orchestrator.jobs.database import is_postgresql
from orchestrator.jobs.durable import WORKFLOW_PROTOCOL, DurableEngine
from orchestrator.jobs.forecast import Forecaster
from orchestrator.jobs.leases import Leases
from orchestrator.jobs.metrics import DiskMetrics, JobMetrics
from orchestrator.jobs.records import JobRecords
from orchestrator.jobs.room import DiskRoom
from orchestrator.jobs.servicer import SERVICE, JobServicer
from orchestrator.jobs.status import JobStatusServicer
from orchestrator.jobs.takeover import Takeover, queue_waiting
from orchestrator.making.film import FilmMaker
from orchestrator.making.retry import RetryPolicy
from orchestrator.making.sample import Sampler
from orchestrator.making.servers import Servers
from orchestrator.settings import OrchestratorSettings
from services.base.allocator import keep_small_blocks
from services.base.errors import FailedPreconditionError, InvalidInputError, VigentError
from services.base.exits import EXIT_DONE, EXIT_FAILED, exit_code_of
from services.base.log import configure_logging
from services.base.private import keep_files_private
from services.base.secure.own_user import OwnUserOnly
from services.base.setting_names import warn_of_unread_variables
from services.base.terminal import replace_what_cannot_be_shown
from services.base.tracing.spans import start_tracing, stop_tracing
from services.media.colours import rgb_of_hex
from services.media.storage.opening import open_store
from services.runtime.grpc_server import StopSignals, add_common_services, bind, drain, new_server, open_health_port
from services.runtime.health import Health
from services.runtime.interceptors import RpcGuard
from services.runtime.metrics import ServerMetrics
from services.typography.fonts import use_uploaded_fonts
from vigent.jobs.v1.jobs_pb2_grpc import add_JobServiceServicer_to_server

NAME = "orchestrator"
_DATABASE_FIELD = "VIGENT_ORCHESTRATOR_DATABASE_URL"


def serve() -> int:
    """Runs the orchestrator until SIGTERM or SIGINT.

    Returns the exit code: 0 drained, 1 failed, 2 wrong settings, 75 a port is taken.
    """
    keep_small_blocks()
    keep_files_private()
    replace_what_cannot_be_shown()
    try:
        settings = OrchestratorSettings.load(NAME)
        configure_logging(settings.log_level, NAME, settings.log_format)
        start_tracing(NAME)
        warn_of_unread_variables({NAME: OrchestratorSettings})
        return asyncio.run(_serve(settings))
    except VigentError as error:
        print(f"{NAME}: {error}", file=sys.stderr)
        return exit_code_of(error)


async def _serve(settings: OrchestratorSettings) -> int:
    signals = StopSignals()
    records, leases = _opened(settings)
    metrics = ServerMetrics(NAME)
    store, servers = open_store(settings.media_root), Servers(settings)
    use_uploaded_fonts(store.root)
    executor_id = settings.executor_id if leases is None else leases.executor_id
    engine = DurableEngine(settings.database_url, executor_id, settings.max_running_jobs, settings.parallel_segments)
    room = DiskRoom(store, settings.least_free_bytes)
    collector = Collector(records, engine, store, room, settings)
    job_metrics = JobMetrics(metrics.registry, records)
    DiskMetrics(metrics.registry, store.root)
    maker = FilmMaker(settings, records, store, servers, job_metrics, engine.enqueue, room, collector.require_room)
    health, guard, neighbours = Health(SERVICE), RpcGuard(metrics, SERVICE), OwnUserOnly(settings.host)
    server = new_server(settings, neighbours, guard)
    sampler = Sampler(
        store, servers, RetryPolicy(settings.attempts, budgets=servers.retries), rgb_of_hex(settings.backdrop)
    )
    forecaster = Forecaster(settings, store, servers)
    servicer = JobServicer(records, engine, maker, store, settings, guard.calls, sampler, collector, forecaster)
    add_JobServiceServicer_to_server(servicer, server)
    status = JobStatusServicer(SERVICE, records, room)
    add_common_services(server, SERVICE, health, status)
    address = f"{settings.host}:{bind(server, settings, NAME, neighbours)}"
    metrics_port = metrics.serve(settings.host, settings.metrics_port)
    takeover = None if leases is None else Takeover(leases, engine, records, maker, job_metrics)
    async with _running(engine, maker, records, collector, leases, takeover):
        probes = await open_health_port(settings, health, NAME)
        await server.start()  # not before: what is to be done with a job goes to the engine at once
        await health.publish(ready=True, live=True)
        print(f"{NAME} ready on {address}, metrics on {settings.host}:{metrics_port}", flush=True)
        await signals.first.wait()
        done = await drain(server, health, guard.calls, settings, signals)
        if probes is not None:
            await probes.stop(None)
    _leave(EXIT_DONE if done else EXIT_FAILED)
    return EXIT_DONE


@contextlib.asynccontextmanager
async def _running(
    engine: DurableEngine,
    maker: FilmMaker,
    records: JobRecords,
    collector: Collector,
    leases: Leases | None,
    takeover: Takeover | None,
) -> AsyncIterator[None]:
    if leases is not None:
        await leases.renew()
    await engine.start(maker.make, records.turn)
    if takeover is None:
        await queue_waiting(engine, records, maker)
    else:
        await takeover.begin()
    keeping = [asyncio.create_task(collector.keep_cleaning())]
    if takeover is not None:
        keeping.append(asyncio.create_task(takeover.keep()))
    yield
    for task in keeping:
        task.cancel()
    if leases is not None:
        await leases.give_up()


def _leave(code: int) -> None:
    """Ends the process as a crash would: a job interrupted in any other way would be recorded as failed."""
    stop_tracing()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _opened(settings: OrchestratorSettings) -> tuple[JobRecords, Leases | None]:
    """The records, and leases where several orchestrators can share them.

    Raises InvalidInputError for no URL, FailedPreconditionError for a database that does not open.
    """
    try:
        url = sa.make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and url.database:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        records, leases = JobRecords(settings.database_url), None
        if is_postgresql(settings.database_url):
            leases = Leases(settings.database_url, settings.executor_id, settings.lease_s, WORKFLOW_PROTOCOL)
    except (sa.exc.ArgumentError, ImportError) as error:
        problem = "This is no database for jobs."  # not quoted: it may hold a password
        raise InvalidInputError(problem, "Give sqlite:///PATH or postgresql://HOST/NAME.", _DATABASE_FIELD) from error
    except (sa.exc.DBAPIError, OSError) as error:
        reason = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error.strerror).partition("\n")[0]
        problem = f"The database of the jobs does not open: {reason}."
        raise FailedPreconditionError(problem, "Mend it, or name another one.", _DATABASE_FIELD) from error
    return records, leases
