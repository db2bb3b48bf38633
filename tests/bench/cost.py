"""What a film costs on a mesh with the built-in engines: processor time, memory of the orchestrator, and the last wait.

`mix_share` and `cpu_per_film_second` are processor seconds of all processes, so that other work of the machine counts
little. The mix is made once more, by the orchestrator's own code in a child of its own, from the film's own voices and
music. x264 alone encodes the frames of the finished film with the film's settings; decoding them is not counted. As
coding has smoothed them, they are a little easier to encode than the frames they were made from.
"""

from __future__ import annotations

import asyncio
import re
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import httpx

from orchestrator.film.encode import DEFAULT_ENCODER, FRAME_TIME, add_film_stream
from orchestrator.film.join import VoiceSegment
from orchestrator.film.music import MusicBed
from orchestrator.making.assemble import LOUDNESS_LUFS, mix_apart
from services.media.store import MediaStore
from tests.bench.figures import Figure
from tests.bench.flat_memory import BUILT_IN, film_of, film_s, spec_lasting
from tests.bench.processes import Peak, cpu_s, family, pss_mib
from tests.support.films import output
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

_WIDTH, _HEIGHT, _MINUTES = 1080, 1920, 0.5
_REST_S = 60.0
_SHAPE = f"{_WIDTH}x{_HEIGHT}, espeak, warp, dtw and plain, the bundled presenter and music"


@dataclass(frozen=True)
class _Film:
    """A finished film and what its making took."""

    job: jobs_pb2.Job
    cpu_s: float
    orchestrator_mib: float

    @property
    def seconds(self) -> float:
        return film_s(self.job)

    @property
    def wall_s(self) -> float:
        return (self.job.end_time.ToNanoseconds() - self.job.start_time.ToNanoseconds()) / 1e9


def figures() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory() as folder, run_mesh(Path(folder), BUILT_IN) as mesh:
        size = {"width": _WIDTH, "height": _HEIGHT}
        asyncio.run(film_of(mesh, spec_lasting(mesh, 0.05, **size)))  # conforms the footage, and warms up
        last_before_s = _last_stage_s(mesh)
        film = _made(mesh, spec_lasting(mesh, _MINUTES, 1, **size))
        last_s = _last_stage_s(mesh) - last_before_s
        orchestrator = mesh.servers["orchestrator"].process.pid
        time.sleep(_REST_S)
        rest_mib = sum(map(pss_mib, family([orchestrator])))
        mix_s, x264_s = _mix_cpu_s(mesh, film.job), _x264_cpu_s(output(mesh, film.job, "film.mp4"))
    return [*_cpu_figures(film, mix_s, x264_s), _wait_figure(film, last_s), *_memory_figures(film, rest_mib)]


def _made(mesh: Mesh, spec: jobs_pb2.JobSpec) -> _Film:
    pids = [server.process.pid for server in mesh.servers.values()]
    before_s = cpu_s(pids)
    with Peak(mesh.servers["orchestrator"].process.pid) as orchestrator:
        job = asyncio.run(film_of(mesh, spec))
    return _Film(job, cpu_s(pids) - before_s, orchestrator.mib)


def _cpu_figures(film: _Film, mix_s: float, x264_s: float) -> list[Figure]:
    whole = f"{_SHAPE}, {film.seconds:.0f} s of film; processor seconds a second of film"
    mix, all_of_it, x264 = (each / film.seconds for each in (mix_s, film.cpu_s, x264_s))
    return [
        Figure("mix_share", mix / all_of_it, "<= 0.05", f"{whole}: mixing {mix:.3f} of {all_of_it:.2f}"),
        Figure("cpu_per_film_second", all_of_it / x264, "<= 3", f"{whole}: {all_of_it:.2f}, x264 alone {x264:.2f}"),
    ]


def _wait_figure(film: _Film, last_s: float) -> Figure:
    conditions = f"{_SHAPE}, {film.seconds:.0f} s of film; {last_s:.1f} of {film.wall_s:.1f} s"
    return Figure("wait_after_last_sentence", last_s / film.wall_s, "<= 0.05", conditions)


def _memory_figures(film: _Film, rest_mib: float) -> list[Figure]:
    conditions = f"MiB (PSS, children too); {_SHAPE}, two segments side by side"
    return [
        Figure("orchestrator_mb", film.orchestrator_mib, "<= 450", f"at the peak, {conditions}"),
        Figure("orchestrator_rest_mb", rest_mib, "<= 200", f"{_REST_S:g} s after the last job, {conditions}"),
    ]


def _last_stage_s(mesh: Mesh) -> float:
    """Seconds between the last sentences and the ends of all films so far."""
    scrape = httpx.get(f"http://{mesh.servers['orchestrator'].metrics}/metrics", trust_env=False, timeout=60)
    found = re.search(r'^vigent_job_stage_seconds_sum{stage="mix"} (\S+)', scrape.text, re.MULTILINE)
    assert found, scrape.text
    return float(found[1])


def _mix_cpu_s(mesh: Mesh, job: jobs_pb2.Job) -> float:
    """Of mixing the film's sound again."""
    store = MediaStore(mesh.media_root)
    voices = [VoiceSegment(store.path(segment.voice.sha256), segment.frames) for segment in job.segments]
    music = MusicBed(store.path(job.spec.music.sha256), job.spec.music_gain_db)
    with store.temporary(".m4a") as target:
        before_s = _children_s()
        mix_apart(voices, target, music, LOUDNESS_LUFS[job.spec.loudness], lambda _done, _total: None)
        return _children_s() - before_s


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _x264_cpu_s(film: Path) -> float:
    """Of encoding the film's frames again."""
    return _own_cpu_s(lambda: _decoded(film, encoded=True)) - _own_cpu_s(lambda: _decoded(film, encoded=False))


def _own_cpu_s(work: Callable[[], None]) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def _decoded(path: Path, *, encoded: bool) -> None:
    """Goes through all frames, and encodes them if that is wanted."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as target, av.open(target.name, "w", format="mp4") as film:
        stream = add_film_stream(film, _WIDTH, _HEIGHT, DEFAULT_ENCODER)
        with av.open(str(path)) as source:
            for number, frame in enumerate(source.decode(video=0)):
                frame.pts, frame.time_base, frame.pict_type = number, FRAME_TIME, 0
                if encoded:
                    film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
