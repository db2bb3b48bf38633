"""Whole jobs through a real mesh with the built-in engines."""

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from orchestrator.client import JobClient
from services.base.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from services.media.store import MediaStore, media_ref
from tests.support.cases import CASES, MUSIC
from tests.support.faces import portrait, write_mp4
from tests.support.films import HEIGHT, WIDTH, ended, facts_of, made, output, spec_of, until
from tests.support.mesh import Mesh, run_mesh
from vigent.jobs.v1 import jobs_pb2

SCRIPT = "大家好，我是 Vigent 的主持人。It speaks English, too. 今天的进度是 95%！"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with run_mesh(tmp_path_factory.mktemp("mesh")) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def film(mesh: Mesh) -> jobs_pb2.Job:
    return asyncio.run(made(mesh, spec_of(mesh, SCRIPT, title="Vigent 你好")))


def test_a_script_becomes_a_film(mesh: Mesh, film: jobs_pb2.Job) -> None:
    facts = facts_of(output(mesh, film, "film.mp4"))
    assert (facts.video_codec, facts.pixel_format, facts.width, facts.height) == ("h264", "yuv420p", WIDTH, HEIGHT)
    assert (facts.audio_codec, facts.audio_rate_hz, facts.audio_channels, facts.rate_hz) == ("aac", 48_000, 2, 25.0)
    assert facts.frames == sum(segment.frames for segment in film.segments)
    assert abs(facts.video_s - facts.audio_s) <= 1 / 25


def test_segments_are_the_sentences_of_the_script(film: jobs_pb2.Job) -> None:
    assert [segment.text for segment in film.segments] == [
        "大家好，我是 Vigent 的主持人。",
        "It speaks English, too.",
        "今天的进度是 95%！",
    ]
    for before, after in pairwise(film.segments):
        assert after.first_film_frame == before.first_film_frame + before.frames


def test_captions_are_the_script(mesh: Mesh, film: jobs_pb2.Job) -> None:
    srt = output(mesh, film, "captions.srt").read_text(encoding="utf-8")
    spoken = "".join(line for line in srt.splitlines() if line and "-->" not in line and not line.isdecimal())
    letters = [character for character in SCRIPT if character.isalnum()]
    assert [character for character in spoken if character.isalnum()] == letters
    assert output(mesh, film, "captions.vtt").read_text(encoding="utf-8").startswith("WEBVTT")
    assert "[Events]" in output(mesh, film, "captions.ass").read_text(encoding="utf-8")


def test_the_report_says_how_good_it_is(mesh: Mesh, film: jobs_pb2.Job) -> None:
    report = json.loads(output(mesh, film, "report.json").read_text(encoding="utf-8"))
    assert report["frames"] == sum(segment.frames for segment in film.segments)
    assert report["ai_label"] is True
    assert abs(report["sound"]["integrated_lufs"] + 14) <= 0.5


async def test_events_only_move_forward(mesh: Mesh, film: jobs_pb2.Job) -> None:
    async with JobClient(mesh.jobs) as client:
        events = [event async for event in client.watch(film.id)]
        later = [event async for event in client.watch(film.id, after_event_id=2)]
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.id for event in later] == [event.id for event in events[2:]]
    percents = [event.progress.percent for event in events]
    assert percents == sorted(percents)
    assert events[-1].state == jobs_pb2.JOB_STATE_DONE
    assert events[-1].progress.percent == 100


@pytest.mark.fault("the same job submitted twice")
async def test_the_same_key_is_the_same_job(mesh: Mesh) -> None:
    spec = spec_of(mesh, "Once only.")
    async with JobClient(mesh.jobs) as client:
        answers = await asyncio.gather(*(client.submit(spec, "once") for _ in range(4)))
        assert len({answer.job.id for answer in answers}) == 1
        with pytest.raises(AlreadyExistsError):
            await client.submit(spec_of(mesh, "Something else."), "once")
        job = await ended(client, answers[0].job.id)
    assert job.state == jobs_pb2.JOB_STATE_DONE


async def test_a_cancelled_job_stops_and_a_retry_finishes_it(mesh: Mesh) -> None:
    script = "第一句话在这里。第二句话在这里。第三句话在这里。第四句话在这里。第五句话在这里。"
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, script))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 1)
        assert (await client.cancel(job.id)).state == jobs_pb2.JOB_STATE_CANCELLED
        cancelled = await ended(client, job.id)
        assert not cancelled.outputs["film.mp4"].sha256
        assert cancelled.progress.eta_s == -1
        other = (await client.submit(spec_of(mesh, script))).job
        with pytest.raises(FailedPreconditionError):
            await client.retry(other.id)
        await client.cancel(other.id)
        await client.retry(job.id)
        assert (await ended(client, job.id)).state == jobs_pb2.JOB_STATE_DONE


async def test_an_ended_job_can_be_deleted(mesh: Mesh) -> None:
    job = await made(mesh, spec_of(mesh, "Delete me."))
    async with JobClient(mesh.jobs) as client:
        await client.delete(job.id)
        with pytest.raises(NotFoundError):
            await client.get(job.id)


async def test_a_picture_without_a_face_fails_before_any_work(mesh: Mesh) -> None:
    job = await made(mesh, spec_of(mesh, "No face here.", footage=_plain_picture()))
    assert job.state == jobs_pb2.JOB_STATE_FAILED
    assert (job.error.reason, job.error.field) == ("NO_FACE", "spec.footage")
    assert job.progress.message == f"{job.error.message} {job.error.remedy}"
    assert job.error.remedy
    assert not job.segments


@pytest.mark.parametrize(("width", "height", "rate"), [(640, 360, 30), (360, 640, 25), (320, 320, 24)])
async def test_any_clip_will_do(mesh: Mesh, tmp_path: Path, width: int, height: int, rate: int) -> None:
    """Wide, high or square, of any rate, and shorter than the voice: it plays back and forth."""
    pictures = [portrait(number, width, height, zoom=0.9) for number in range(rate)]
    clip = write_mp4(tmp_path / "clip.mp4", pictures, rate=rate).read_bytes()
    job = await made(mesh, spec_of(mesh, "这一段视频比声音短，所以来回播放。", footage=clip))
    facts = facts_of(output(mesh, job, "film.mp4"))
    assert (facts.width, facts.height, facts.rate_hz) == (WIDTH, HEIGHT, 25.0)
    assert facts.frames == sum(segment.frames for segment in job.segments) > 50


async def test_what_was_passed_over_in_the_files_is_in_the_report(mesh: Mesh, tmp_path: Path) -> None:
    footage = (CASES / "onebad.mp4").read_bytes()
    music = media_ref(MediaStore(mesh.media_root).put_file(MUSIC["junk between frames of an mp3"].make(tmp_path)))
    script = "One packet of the footage is broken. And the music has something else between its frames."
    for _ in range(2):  # the second film finds the footage conformed
        job = await made(mesh, spec_of(mesh, script, footage=footage, music=music))
        report = json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8"))
        assert report["footage_problems"][0] == "Broken packets of the picture that were skipped: 1 of 120."
        assert report["music_problems"] == ["Broken packets of the sound that were skipped: 2 of 117."]


def _plain_picture() -> bytes:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (400, 400), (120, 140, 160)).save(file, "PNG")
    return file.getvalue()


async def test_a_retry_makes_no_finished_sentence_again(mesh: Mesh) -> None:
    script = " ".join(f"Sentence {name} is here." for name in "ABCDEF")  # some are left to do at the cancel
    async with JobClient(mesh.jobs) as client:
        job = (await client.submit(spec_of(mesh, script, seed=5))).job
        await until(client, job.id, lambda event: event.progress.segments_done >= 2)
        await client.cancel(job.id)
        cancelled = await ended(client, job.id)
        kept = finished_files(mesh, cancelled)
        assert len(kept) >= 4
        await client.retry(job.id)
        retried = await ended(client, job.id)
    assert retried.state == jobs_pb2.JOB_STATE_DONE
    assert finished_files(mesh, retried) | kept == finished_files(mesh, retried)


def finished_files(mesh: Mesh, job: jobs_pb2.Job) -> set[tuple[str, int]]:
    """Voices and films of finished sentences with their inodes, which change when a file is made again."""
    pieces = [piece for segment in job.segments for piece in (segment.voice, segment.film) if piece.sha256]
    store = MediaStore(mesh.media_root)
    return {(piece.sha256, store.path(piece.sha256).stat().st_ino) for piece in pieces}


async def test_the_mark_of_ai_is_seen_and_recorded_unless_it_is_switched_off(mesh: Mesh) -> None:
    script = "This film says what it is."
    on = {"loudness": jobs_pb2.LOUDNESS_PODCAST}
    off = {"loudness": jobs_pb2.LOUDNESS_BROADCAST, "ai_label": jobs_pb2.AI_LABEL_OFF}
    marked, plain = [
        await made(mesh, spec_of(mesh, script, captions=jobs_pb2.CAPTIONS_FILES_ONLY, **choice)) for choice in (on, off)
    ]
    seen = changed_share(mesh, marked, plain)
    assert min(seen[:50]) > 0.02  # all of the first two seconds
    assert min(seen) > 0.005
    reports = [json.loads(output(mesh, job, "report.json").read_text(encoding="utf-8")) for job in (marked, plain)]
    assert [report["ai_label"] for report in reports] == [True, False]
    assert [report["sound"]["integrated_lufs"] for report in reports] == pytest.approx([-16, -23], abs=0.5)
    assert ["AIGC" in metadata(mesh, job) for job in (marked, plain)] == [True, False]
    assert "This film says" in output(mesh, plain, "captions.srt").read_text(encoding="utf-8")


def changed_share(mesh: Mesh, one: jobs_pb2.Job, other: jobs_pb2.Job) -> list[float]:
    """Share of the upper left quarter of each frame in which two films differ much."""
    pictures = []
    for job in (one, other):
        with av.open(str(output(mesh, job, "film.mp4"))) as container:
            lumas = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
            pictures.append([luma[: HEIGHT // 4, : WIDTH // 2] for luma in lumas])
    return [float((np.abs(a - b) > 60).mean()) for a, b in zip(*pictures, strict=True)]


def metadata(mesh: Mesh, job: jobs_pb2.Job) -> dict[str, str]:
    with av.open(str(output(mesh, job, "film.mp4"))) as container:
        return dict(container.metadata)


def test_nothing_is_left_unfinished(mesh: Mesh, film: jobs_pb2.Job) -> None:
    assert list((mesh.media_root / "tmp").iterdir()) == []
