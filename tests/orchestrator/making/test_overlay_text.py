"""What the AI label must be, and where it stands."""

import pytest

from orchestrator.jobs.spec import complete_spec
from orchestrator.making.order import SegmentPlace
from orchestrator.making.overlay_text import OverlayText
from orchestrator.making.plan import FilmPlan
from services.media.store import MediaStore, StoredFile
from services.media.timeline import FRAME_RATE_HZ
from services.text.sentences import split_script
from services.typography.styles import list_platforms, safe_area
from vigent.jobs.v1 import jobs_pb2
from vigent.media.v1 import media_pb2
from vigent.overlay.v1 import overlay_pb2

SCRIPT = "大家好。"


@pytest.fixture
def store(tmp_path) -> MediaStore:
    return MediaStore(tmp_path)


def requests(store: MediaStore, **fields: object) -> tuple[overlay_pb2.RenderRequest, overlay_pb2.RenderRequest]:
    """What is drawn over the first ten seconds, and over the tenth minute."""
    footage = media_pb2.MediaRef(sha256=store.put_bytes(b"footage").sha256)
    spec = complete_spec(jobs_pb2.JobSpec(**{"script": SCRIPT, "footage": footage, **fields}), store)
    plan = FilmPlan(tuple(split_script(spec.script)), StoredFile("", 0), 1, 0, None, None, (), {})
    text = OverlayText(spec, plan, store)
    opening, later = SegmentPlace(0, 250), SegmentPlace(600 * FRAME_RATE_HZ, 250)
    return text.render_request(0, [], 24_000, opening), text.render_request(0, [], 24_000, later)


def test_the_opening_has_a_large_label_and_the_whole_film_a_small_one(store):
    opening, later = requests(store)
    large, small = opening.labels
    assert (large.text, large.first_film_frame) == ("AI 生成", 0)
    assert large.frames >= 2 * FRAME_RATE_HZ
    assert large.height_share >= 0.05
    assert small.first_film_frame == large.frames
    assert [label.text for label in later.labels] == ["AI 生成"]


@pytest.mark.parametrize("platform", list_platforms())
def test_it_stands_in_the_safe_area_of_the_platform(store, platform):
    for label in requests(store, platform=platform)[0].labels:
        edges = [share * side for share, side in zip(label.bounds, (1080, 1920, 1080, 1920), strict=True)]
        assert edges == pytest.approx(safe_area("safe", 1080, 1920, platform))


@pytest.mark.parametrize(
    ("choice", "labels"),
    [(jobs_pb2.AI_LABEL_UNSPECIFIED, 2), (jobs_pb2.AI_LABEL_ON, 2), (jobs_pb2.AI_LABEL_OFF, 0)],
)
def test_only_an_explicit_choice_takes_it_away(store, choice, labels):
    assert len(requests(store, ai_label=choice)[0].labels) == labels
