"""A job on the terminal while it is made: one bar, what is being done, and when it will be ready."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from gateway.cli.output import err, out, seconds
from gateway.films.view import progress_view
from vigent.jobs.v1 import jobs_pb2

_STAGES = {
    "queued": "waiting",
    "prepare": "preparing footage",
    "segments": "making sentences",
    "mix": "mixing sound",
    "done": "done",
}
STAGES_OF_WORK = ("prepare", "segments", "mix")


class JobDisplay:
    """Shows events of one job: as a moving bar on a terminal, as single lines elsewhere."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._stage = self._message = ""
        self._begun_s = self._stage_begun_s = time.monotonic()
        self._took_s: dict[str, float] = {}
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=16),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = Progress(*columns, console=err, disable=not err.is_terminal)
        self._task = self._progress.add_task("waiting", total=100, note="")

    def show(self, event: jobs_pb2.JobEvent) -> None:
        """Updates the display with an event."""
        now = progress_view(event.progress)
        if now.stage != self._stage:
            self._enter(now.stage)
        to_go = f"{seconds(now.eta_s)} left" if now.eta_s else ""
        self._tell_wait(now.message)
        sentences = f"{now.segments_done} of {now.segments_total} sentences" if now.segments_total else ""
        note = " · ".join(part for part in (sentences, to_go) if part)
        description = _STAGES.get(now.stage, now.stage)
        self._progress.update(self._task, completed=now.percent, description=description, note=note)

    def summary(self, target: Path, length: str) -> None:
        """The closing lines once a film is made."""
        for stage, took_s in self._took_s.items():
            out.print(f"  {_STAGES.get(stage, stage):<20} {took_s:6.1f} s")
        out.print(f"  {'total':<20} {time.monotonic() - self._begun_s:6.1f} s")
        out.print(f"[bold green]{escape(str(target))}[/]  {length} of film; captions, cover and report are beside it")

    def _tell_wait(self, message: str) -> None:
        if message != self._message and message.startswith("Waiting for "):
            err.print(escape(f"job {self._job_id}: {message}"))
        self._message = message

    def _enter(self, stage: str) -> None:
        now_s = time.monotonic()
        if self._stage in STAGES_OF_WORK:
            self._took_s[self._stage] = now_s - self._stage_begun_s
        self._stage, self._stage_begun_s = stage, now_s
        if stage and not err.is_terminal:
            err.print(f"job {self._job_id}: {_STAGES.get(stage, stage)}")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._enter("")
