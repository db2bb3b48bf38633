"""What the AI label must be, and where it stands."""

import asyncio
import os
from pathlib import Path

import jieba
import pytest

from orchestrator.captions import opportunities
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


def overlay_text(store: MediaStore, **fields: object) -> OverlayText:
    """What is written over a film of one sentence."""
    footage = media_pb2.MediaRef(sha256=store.put_bytes(b"footage").sha256)
    spec = complete_spec(jobs_pb2.JobSpec(**{"script": SCRIPT, "footage": footage, **fields}), store)
    plan = FilmPlan(tuple(split_script(spec.script)), StoredFile("", 0), 1, 0, None, None, (), {})
    return OverlayText(spec, plan, store)


def requests(store: MediaStore, **fields: object) -> tuple[overlay_pb2.RenderRequest, overlay_pb2.RenderRequest]:
    """What is drawn over the first ten seconds, and over the tenth minute."""
    text = overlay_text(store, **fields)
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


@pytest.mark.timeout(60)
async def test_health_is_answered_while_the_dictionary_of_captions_is_read(
    store: MediaStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe in its place is read for ever, until this same event loop gets to close it."""
    words, pipe = os.pipe()
    tokenizer = jieba.Tokenizer(f"/dev/fd/{words}")
    tokenizer.tmp_dir = str(tmp_path)  # where it keeps what it has read
    monkeypatch.setattr(opportunities, "_JIEBA", tokenizer)
    word = media_pb2.Word(text="大家好。", char_start=0, char_end=4, start_sample=0, end_sample=24_000)
    drawing = asyncio.create_task(overlay_text(store).requested(0, [word], 24_000, SegmentPlace(0, 25)))
    await asyncio.sleep(0)
    os.write(pipe, "大家 100 n\n好 100 a\n".encode())
    os.close(pipe)
    assert [line.text for line in (await drawing).cues[0].lines] == ["大家好"]
    os.close(words)
