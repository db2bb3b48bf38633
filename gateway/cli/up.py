"""`vigent up`: the mesh on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gateway.cli.connect import DataOption, load_settings
from gateway.cli.output import out
from gateway.cli.waiting import telling
from gateway.mesh.addresses import DEFAULT_DATA, GATEWAY, PROCESSES, service_of
from gateway.mesh.control import controlled
from gateway.mesh.lock import hold
from gateway.mesh.log import LogFile
from gateway.mesh.plan import MeshPlan
from gateway.mesh.ports import check_ports
from gateway.mesh.supervisor import Supervisor
from gateway.settings import GatewaySettings
from services.base.secure.peers import is_loopback

_COLOURS = dict(zip(PROCESSES, ("green", "magenta", "yellow", "blue", "cyan", "white"), strict=True))
_NAME_WIDTH = max(map(len, PROCESSES))
EXIT_STOPPED, EXIT_LOST = 0, 1
_ANY = {"0.0.0.0", "::"}  # noqa: S104 - recognised, not listened on


def up(
    data: DataOption = DEFAULT_DATA,
    port_base: Annotated[
        int | None,
        typer.Option(help="Use consecutive ports from here on; 0 picks free ones.", min=0, max=65535),
    ] = None,
    open_studio: Annotated[
        bool, typer.Option("--open", help="Open the studio in a browser once it is up, where there is a desktop.")
    ] = False,
) -> None:
    """Run the mesh and its gateway on this machine until Ctrl-C. Processes that exit or hang are restarted."""
    load_settings(data)
    raise typer.Exit(asyncio.run(_up(data, MeshPlan.here(port_base), open_studio)))


async def _up(data: Path, plan: MeshPlan, open_studio: bool) -> int:
    stop = _stop_event()
    with hold(data, plan.addresses.by_name()), LogFile(data / "up.log") as log:

        def said(name: str, line: str) -> None:
            say(name, line)
            log.say(name, line)

        check_ports(plan.addresses)
        async with Supervisor(plan, data, said) as mesh, controlled(mesh, data):
            code = await _until_stopped(stop, mesh, plan, open_studio)
            out.print("Shutting down. Press Ctrl-C again to stop at once.")
            stop.clear()
            forcing = asyncio.create_task(_force(stop, mesh))
        forcing.cancel()
    out.print("All processes have stopped.")
    return code


async def _until_stopped(stop: asyncio.Event, mesh: Supervisor, plan: MeshPlan, open_studio: bool) -> int:
    """Runs until stopped, or until startup fails; once the mesh has been up, failures are retried without limit."""
    stopped = asyncio.create_task(stop.wait())
    announcing = asyncio.create_task(_announce(mesh, plan, open_studio))
    up = asyncio.create_task(mesh.wait_up())
    failing = asyncio.create_task(mesh.wait_failing())
    lost = asyncio.create_task(mesh.wait_given_up())
    try:
        await asyncio.wait({stopped, up, failing}, return_when=asyncio.FIRST_COMPLETED)
        if not (stopped.done() or up.done()):
            say("up", f"{failing.result()} keeps failing; its output above says why.")
            return EXIT_LOST
        await asyncio.wait({stopped, lost}, return_when=asyncio.FIRST_COMPLETED)
        if not lost.done():
            return EXIT_STOPPED
        say("up", f"{lost.result()} has failed for good; the others keep running. Press Ctrl-C to stop them.")
        await stopped
        return EXIT_LOST
    finally:
        for task in (stopped, announcing, up, failing, lost):
            task.cancel()


def say(name: str, line: str) -> None:
    """Prints one line of the log, prefixed with the name of the process."""
    text = Text(f"{name:<{_NAME_WIDTH}} │ ", style=_COLOURS.get(service_of(name), "bold red"))
    out.print(text.append(line, style="default"), markup=False)


async def _announce(mesh: Supervisor, plan: MeshPlan, open_studio: bool) -> None:
    waiting = [process.ready.wait() for process in mesh.processes.values()]
    async with telling(mesh.unready, lambda line: say("up", line)):
        await asyncio.gather(*waiting)
    table = Table("service", "engine", "device", "address", "metrics", box=None)
    for name, process in mesh.processes.items():
        table.add_row(name, process.engine, plan.device(name), process.address, plan.addresses.metrics_url(name))
    out.print(table)
    settings = GatewaySettings.load(GATEWAY)
    url = studio_url(settings, plan.addresses.ports[GATEWAY])
    out.print(f"[bold green]Vigent is up:[/] {url}  (API: {url}/docs). Press Ctrl-C to stop.")
    if not (settings.loopback_is_open and is_loopback(settings.host)):
        url = f"{url}/sign-in?token={plan.studio_token}"
        out.print(f"Others need a key (`vigent keys add NAME`). You sign in to the studio by {url}", markup=False)
    if open_studio and _has_desktop():
        await asyncio.to_thread(webbrowser.open, url)


def studio_url(settings: GatewaySettings, port: int) -> str:
    """Where the user of this machine finds the studio."""
    host = "127.0.0.1" if settings.host in _ANY else settings.host
    return f"{settings.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _has_desktop() -> bool:
    """Without one, `webbrowser` would open a text browser over the log."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def _stop_event() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _force(stop: asyncio.Event, mesh: Supervisor) -> None:
    await stop.wait()
    mesh.kill()
    sys.stderr.write("Stopped at once.\n")
