"""From what a second of film takes to what a mesh makes, and which part of it is full first.

Everything is worked out from the few figures below. Those that were measured say where; those that nobody has measured
yet, first of all a GPU's speed, are assumptions, and say so. `docs/scale.md` has the tables.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HOUR_S, DAY_S, GB = 3600, 86_400, 1e9


@dataclass(frozen=True)
class Film:
    """What is made: its length, and its sentences."""

    seconds: float = 60.0
    sentence_s: float = 4.0

    @property
    def sentences(self) -> int:
        return math.ceil(self.seconds / self.sentence_s)


@dataclass(frozen=True)
class Costs:
    """What a film takes. Defaults: 1080x1920, LatentSync's standard mode at 256, Qwen3-TTS 1.7B, Whisper."""

    gpu_lipsync: float = 0.16
    """GPU seconds a second of film. Assumed: twice the least of docs/limits.md (an H200); no GPU run has been made."""
    gpu_voice: float = 0.03
    """The same of voice and ears together. Assumed: twice the least for one stream, and as much again to listen."""
    cpu_compose: float = 1.3
    """Processor seconds a second of film: decode, paste, encode. Measured, `python -m tests.bench.bench_compose`."""
    cpu_mix: float = 0.04
    """Measured, docs/cost.md."""
    cpu_sentence: float = 0.45
    """Processor seconds of an orchestrator a sentence beside its pictures: steps, records, calls, the ends of films.

    Measured by the simulation at two speeds, for films that are made in 11 s; its tiny pictures count as well.
    """
    patch_bytes: float = 400 * 400 * 3 * 25
    """From lip-sync to orchestrator, a second of film: raw pixels."""
    sound_bytes: float = 3 * 2 * 24_000
    """Voice to orchestrator, and on to lip-sync and ears."""
    stored_bytes: float = 0.6 * 2**20
    """A second of film with its pieces. Measured: 27.6 MiB for 33 s, without the preview that goes."""
    commits_s: float = 10.0
    """Transactions a second that a film is being made, as many at both speeds of the simulation. Measured."""
    busy: float = 0.85
    """Share of the time that a GPU works: the rest is waiting for the next sentence and for the ends of films."""


@dataclass(frozen=True)
class Limits:
    """How much one of each takes before another is needed."""

    orchestrator_cores: float = 8.0
    """Composing threads leave the lock of Python; beyond this it and the memory are felt. Assumed."""
    jobs_orchestrator: float = 32.0
    """Films that one makes at a time: 200 MiB of encoder for each of two sentences. docs/cost.md."""
    database_commits_hz: float = 2_000.0
    """Of a PostgreSQL on a good disk (not measured here, where fsync is off)."""
    polls_hz: float = 5.0
    """Queries with which each orchestrator asks the queue. DBOS has no event for it."""
    database_polls_hz: float = 5_000.0
    """Such queries that the same PostgreSQL answers. Assumed."""
    gateway_streams: float = 256.0
    """Half of `connections`, its default."""
    nic_bytes_s: float = 25e9 / 8
    """A network card of 25 Gbit/s, half of it used."""
    bucket_puts_hz: float = 3_500.0
    """Of one prefix of Amazon's S3, by its documentation."""


@dataclass(frozen=True)
class Plan:
    """A mesh of so many GPUs, all busy."""

    gpus: int
    film: Film = Film()
    costs: Costs = Costs()
    limits: Limits = Limits()

    @property
    def gpu_s(self) -> float:
        """GPU seconds a film."""
        return self.film.seconds * (self.costs.gpu_lipsync + self.costs.gpu_voice)

    @property
    def films_h(self) -> float:
        """Films an hour."""
        return self.gpus * HOUR_S * self.costs.busy / self.gpu_s

    @property
    def films_hz(self) -> float:
        """Films a second."""
        return self.films_h / HOUR_S

    @property
    def lipsync_gpus(self) -> float:
        """How many of the GPUs do lip-sync."""
        return self.gpus * self.costs.gpu_lipsync / (self.costs.gpu_lipsync + self.costs.gpu_voice)

    @property
    def running(self) -> float:
        """Films that are being made at a time: two sentences of each, one with a GPU and one that waits for it."""
        return max(1.0, self.lipsync_gpus)

    @property
    def cpu_s(self) -> float:
        """Processor seconds of orchestrators a film."""
        costs, film = self.costs, self.film
        return film.seconds * (costs.cpu_compose + costs.cpu_mix) + film.sentences * costs.cpu_sentence

    @property
    def cores(self) -> float:
        """Cores of orchestrators."""
        return self.films_hz * self.cpu_s

    @property
    def orchestrators(self) -> int:
        """How many of them."""
        return math.ceil(max(self.cores / self.limits.orchestrator_cores, self.running / self.limits.jobs_orchestrator))

    @property
    def network_bytes_s(self) -> float:
        """Into all orchestrators together."""
        return self.films_hz * self.film.seconds * (self.costs.patch_bytes + self.costs.sound_bytes)

    @property
    def stored_bytes_day(self) -> float:
        """Pieces and films; half of it is pieces, which `vigent clean --finished-pieces` removes."""
        return self.films_hz * self.film.seconds * self.costs.stored_bytes * DAY_S

    @property
    def puts_hz(self) -> float:
        """Files a second: voice, words, film and their keys for each sentence, some for each film."""
        return self.films_hz * (8 * self.film.sentences + 12)

    @property
    def commits_hz(self) -> float:
        """Transactions a second."""
        return self.costs.commits_s * self.running

    @property
    def polls_hz(self) -> float:
        """Queries a second of orchestrators that ask for work."""
        return self.orchestrators * self.limits.polls_hz

    @property
    def streams(self) -> float:
        """Event streams at a gateway, if somebody watches every film that is being made."""
        return self.running

    def fullness(self) -> dict[str, float]:
        """How full one of each would be; above 1 there must be more of it."""
        limits = self.limits
        return {
            "orchestrator: cores": self.cores / limits.orchestrator_cores,
            "orchestrator: films at a time": self.running / limits.jobs_orchestrator,
            "database: transactions": self.commits_hz / limits.database_commits_hz,
            "database: polling": self.polls_hz / limits.database_polls_hz,
            "gateway: event streams": self.streams / limits.gateway_streams,
            "network card of one orchestrator": self.network_bytes_s / limits.nic_bytes_s * 2,
            "object storage: writes of a prefix": self.puts_hz / limits.bucket_puts_hz,
        }


def tables() -> str:
    """The tables of docs/scale.md, in Markdown."""
    plans = [Plan(gpus) for gpus in (1, 10, 1000)]
    rows = {
        "films an hour": [f"{plan.films_h:,.0f}" for plan in plans],
        "films at a time": [f"{plan.running:,.0f}" for plan in plans],
        "orchestrators: cores": [f"{plan.cores:,.1f}" for plan in plans],
        "orchestrators: processes": [f"{plan.orchestrators:,}" for plan in plans],
        "patches and sound, Gbit/s": [f"{plan.network_bytes_s * 8 / GB:,.2f}" for plan in plans],
        "files written a second": [f"{plan.puts_hz:,.1f}" for plan in plans],
        "stored a day, GB": [f"{plan.stored_bytes_day / GB:,.0f}" for plan in plans],
        "database: transactions a second": [f"{plan.commits_hz:,.1f}" for plan in plans],
        "database: queries for work a second": [f"{plan.polls_hz:,.0f}" for plan in plans],
        "event streams, one a film": [f"{plan.streams:,.0f}" for plan in plans],
    }
    full = [plan.fullness() for plan in plans]
    filled = {part: [f"{each[part]:,.2f}" for each in full] for part in full[0]}
    return f"{_table('GPUs', rows)}\n\n{_table('one of each is full at 1', filled)}"


def _table(what: str, rows: dict[str, list[str]]) -> str:
    head = [f"| {what} | 1 | 10 | 1,000 |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items())])
