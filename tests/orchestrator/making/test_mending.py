"""A film with one sentence changed: only that segment is made again, and the footage does not jump."""

import asyncio
import json
from collections.abc import Iterator

import numpy as np
import pytest

from orchestrator.client import JobClient
from orchestrator.film.compose import SEAM_FRAMES
from orchestrator.making.overlay_text import OPENING_FRAMES
from orchestrator.making.voice import take_seed
from services.base.errors import InvalidInputError
from services.media.timeline import footage_frame
from tests.support.films import made, output, spec_of
from tests.support.mesh import Mesh, run_mesh
from tests.support.pictures import number_in, numbered_picture, read_pictures, write_footage
from vigent.jobs.v1 import jobs_pb2

OPENING = "This opening sentence is as long as the title stays, and a little longer."
SCRIPT = f"{OPENING} Another one follows. This is the third. The fourth ends it."
CHANGED = SCRIPT.replace("Another one follows.", "Quite another sentence follows it.")
FOOTAGE_FRAMES = 40
SEED = 7
SIZE = {"width": 192, "height": 320, "captions": jobs_pb2.CAPTIONS_FILES_ONLY, "ai_label": jobs_pb2.AI_LABEL_OFF}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """A voice that says one take otherwise than the others; lip-sync writes down each call."""
    data = tmp_path_factory.mktemp("mesh")
    voice = {"log_file": str(data / "tts.log"), "wrong_seeds": str(take_seed(SEED, 1))}
    environment = {
        "VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts",
        "VIGENT_TTS_OPTIONS": json.dumps(voice),
        "VIGENT_LIPSYNC_ENGINE": "tests.knobs.lipsync:KnobsLipsync",
        "VIGENT_LIPSYNC_OPTIONS": json.dumps({"log_file": str(data / "lipsync.log"), "height": "16"}),
        "VIGENT_ORCHESTRATOR_RETAKES": "0",
    }
    with run_mesh(data, environment) as running:
        yield running


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    pictures = [numbered_picture(number) for number in range(FOOTAGE_FRAMES)]
    return write_footage(tmp_path_factory.mktemp("footage") / "footage.mp4", pictures).read_bytes()


@pytest.fixture(scope="module")
def film(mesh: Mesh, footage: bytes) -> jobs_pb2.Job:
    job = asyncio.run(made(mesh, spec_of(mesh, SCRIPT, footage, seed=SEED, **SIZE)))
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    assert job.segments[1].first_film_frame > OPENING_FRAMES
    return job


def calls(mesh: Mesh) -> tuple[int, int]:
    """Sentences spoken and lip-synced so far."""
    logs = [(mesh.data / f"{service}.log").read_text(encoding="utf-8") for service in ("tts", "lipsync")]
    return logs[0].splitlines().count("call"), logs[1].splitlines().count("call")


def made_again(mesh: Mesh, spec: jobs_pb2.JobSpec) -> tuple[jobs_pb2.Job, tuple[int, int]]:
    """The film, and how many of its sentences were spoken and lip-synced for it."""
    before = calls(mesh)
    job = asyncio.run(made(mesh, spec))
    assert job.state == jobs_pb2.JOB_STATE_DONE, job.error
    after = calls(mesh)
    return job, (after[0] - before[0], after[1] - before[1])


def choice(segment: int, **chosen: object) -> jobs_pb2.SegmentChoice:
    return jobs_pb2.SegmentChoice(segment=segment, **chosen)


def test_only_the_changed_sentence_is_spoken_and_filmed(mesh: Mesh, footage: bytes, film: jobs_pb2.Job) -> None:
    goes_on = choice(2, first_footage_frame=film.segments[2].first_footage_frame)
    spec = spec_of(mesh, CHANGED, footage, seed=SEED, segment_choices=[goes_on], **SIZE)
    changed, counted = made_again(mesh, spec)
    assert counted == (1, 1)
    kept = [index for index in range(4) if changed.segments[index].film == film.segments[index].film]
    assert kept == [0, 2, 3]
    assert changed.segments[3].first_film_frame > film.segments[3].first_film_frame  # although it begins later
    assert changed.segments[3].first_footage_frame == film.segments[3].first_footage_frame


def test_without_a_place_in_the_footage_all_pictures_after_it_are_made_again(
    mesh: Mesh, footage: bytes, film: jobs_pb2.Job
) -> None:
    script = SCRIPT.replace("Another one follows.", "And one more that follows.")
    assert made_again(mesh, spec_of(mesh, script, footage, seed=SEED, **SIZE))[1] == (1, 3)


def test_the_footage_is_blended_over_where_it_goes_on_elsewhere(mesh: Mesh, footage: bytes, film: jobs_pb2.Job) -> None:
    goes_on = choice(2, first_footage_frame=film.segments[2].first_footage_frame)
    spec = spec_of(mesh, CHANGED, footage, seed=SEED, segment_choices=[goes_on], **SIZE)
    changed, _ = made_again(mesh, spec)
    pictures = read_pictures(output(mesh, changed, "film.mp4"))
    shown = [number_in(picture) for picture in pictures]
    second, third = changed.segments[1:3]
    seam = range(third.first_film_frame - SEAM_FRAMES, third.first_film_frame)
    for segment in (second, third):
        for number in range(segment.frames):
            film_frame = segment.first_film_frame + number
            if film_frame not in seam:
                assert shown[film_frame] == footage_frame(segment.first_footage_frame + number, FOOTAGE_FRAMES)
    middle = pictures[seam[SEAM_FRAMES // 2]]
    assert np.any((middle > 80) & (middle < 180)), "neither the one picture nor the other"


def test_a_take_is_heard_before_it_is_chosen_and_then_not_spoken_again(
    mesh: Mesh, footage: bytes, film: jobs_pb2.Job
) -> None:
    goes_on = choice(2, first_footage_frame=film.segments[2].first_footage_frame)
    spec = spec_of(mesh, SCRIPT, footage, seed=SEED, segment_choices=[choice(1, take=1), goes_on], **SIZE)

    async def spoken() -> tuple[str, list[int]]:
        async with JobClient(mesh.jobs) as client:
            take = await client.speak_segment(spec, 1)
            return take, list((await client.forecast(spec, 1)).takes)

    take, takes = asyncio.run(spoken())
    assert takes == [0, 1]
    other, counted = made_again(mesh, spec)
    assert counted == (0, 1)
    assert other.segments[1].voice.sha256 == take != film.segments[1].voice.sha256
    assert made_again(mesh, spec_of(mesh, SCRIPT, footage, seed=SEED, **SIZE))[1] == (0, 0)  # the first one is kept


async def test_a_voice_of_its_own_is_asked_for_that_sentence_alone(mesh: Mesh, footage: bytes) -> None:
    spec = spec_of(mesh, SCRIPT, footage, seed=SEED, segment_choices=[choice(2, voice="tone")], **SIZE)
    async with JobClient(mesh.jobs) as client:
        told = (await client.forecast(spec)).sentences
        assert [each.spoken for each in told] == [True, True, False, True]
        spec.segment_choices[0].voice = "nobody"
        with pytest.raises(InvalidInputError, match="no voice 'nobody'") as refused:
            await client.speak_segment(spec, 2)
    assert refused.value.field == "spec.segment_choices.0.voice"


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        ([choice(4)], "spec.segment_choices.0.segment"),
        ([choice(0), choice(1, take=100)], "spec.segment_choices.1.take"),
        ([choice(0, first_footage_frame=-1)], "spec.segment_choices.0.first_footage_frame"),
        ([choice(2), choice(2, take=1)], "spec.segment_choices.1.segment"),
        ([choice(0)] * 1001, "spec.segment_choices"),
    ],
)
async def test_choices_that_cannot_be_are_refused(
    mesh: Mesh, footage: bytes, choices: list[jobs_pb2.SegmentChoice], field: str
) -> None:
    async with JobClient(mesh.jobs) as client:
        with pytest.raises(InvalidInputError) as refused:
            await client.submit(spec_of(mesh, SCRIPT, footage, segment_choices=choices, **SIZE))
    assert refused.value.field == field
