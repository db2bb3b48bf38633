"""What can be watched of a film only grows, through crashes and retries too."""

from pathlib import Path

import numpy as np
import pytest

from orchestrator.film.compose import SegmentComposer
from orchestrator.film.encode import EncoderSettings
from orchestrator.jobs.records import JobRecords
from orchestrator.making.preview import PREVIEW_NAME, GrowingPreview
from orchestrator.making.segment import SegmentPieces
from services.base.errors import NotFoundError
from services.media.store import MediaStore, StoredFile
from tests.support.pictures import numbered_picture, write_footage
from tests.support.sounds import RATE_HZ, write_voice
from vigent.jobs.v1 import jobs_pb2

FRAMES = 30  # of a segment


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> MediaStore:
    return MediaStore(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="module")
def pieces(store: MediaStore, tmp_path_factory: pytest.TempPathFactory) -> list[SegmentPieces]:
    folder = tmp_path_factory.mktemp("pieces")
    footage = write_footage(folder / "footage.mp4", [numbered_picture(number) for number in range(3 * FRAMES)])
    return [segment(store, folder, footage, index) for index in range(3)]


def segment(store: MediaStore, folder: Path, footage: Path, index: int) -> SegmentPieces:
    first = index * FRAMES
    with SegmentComposer(footage, folder / f"{index}.mp4", first, EncoderSettings()) as composer:
        for _ in range(FRAMES):
            composer.add_frame(None)
        film = store.put_file(composer.finish().path)
    voice = store.put_file(write_voice(folder / f"{index}.wav", np.zeros(FRAMES * RATE_HZ // 25)))
    return SegmentPieces(index, first, first, FRAMES, 0, RATE_HZ, voice, StoredFile("", 0), film)


@pytest.fixture
async def records(tmp_path: Path) -> JobRecords:
    records = JobRecords(f"sqlite:///{tmp_path / 'jobs.db'}")
    await records.create(jobs_pb2.Job(id="a", state=jobs_pb2.JOB_STATE_RUNNING), "")
    return records


async def shown(records: JobRecords) -> str:
    return (await records.get("a")).outputs[PREVIEW_NAME].sha256


async def test_a_longer_preview_takes_the_place_of_a_shorter(
    records: JobRecords, store: MediaStore, pieces: list[SegmentPieces]
) -> None:
    preview = GrowingPreview(records.attempt_at("a", 0), store, 0)
    assert await preview.add(pieces[1]) == 0  # a film is watched from its beginning
    assert not await shown(records)
    assert await preview.add(pieces[0]) == 2 * FRAMES
    short = await shown(records)
    begun = store.path(short).read_bytes()
    assert await preview.add(pieces[2]) == 3 * FRAMES
    longer = store.path(await shown(records)).read_bytes()
    assert len(longer) > len(begun)
    assert longer.startswith(begun)  # appended to, not written anew
    with pytest.raises(NotFoundError):
        store.path(short)


async def test_work_that_goes_on_never_shortens_it(
    records: JobRecords, store: MediaStore, pieces: list[SegmentPieces]
) -> None:
    for piece, preview in zip(pieces, [GrowingPreview(records.attempt_at("a", 0), store, 0)] * 3, strict=True):
        await preview.add(piece)
    whole = await shown(records)
    after_crash = GrowingPreview(records.attempt_at("a", 0), store, 3 * FRAMES)
    for piece in pieces:
        await after_crash.add(piece)
        assert await shown(records) == whole
    assert store.path(whole).is_file()


async def test_a_job_of_the_same_pieces_keeps_its_preview_when_the_other_one_grows(
    records: JobRecords, store: MediaStore, pieces: list[SegmentPieces]
) -> None:
    await records.create(jobs_pb2.Job(id="b", state=jobs_pb2.JOB_STATE_RUNNING), "")
    one, other = (GrowingPreview(records.attempt_at(job, 0), store, 0) for job in "ab")
    await one.add(pieces[0])
    await other.add(pieces[0])
    await other.add(pieces[1])
    assert store.path(await shown(records)).stat().st_size > 0
