"""A frame that does not come out of the composer is found, and its segment can be tried again."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from orchestrator.film.compose import OverlayImage, PatchImage, SegmentComposer
from orchestrator.film.encode import EncoderSettings
from orchestrator.making.pictures import DrawnPlace, compose_segment
from services.base.errors import UnavailableError
from tests.support.faces import portrait, write_mp4
from vigent.lipsync.v1 import lipsync_pb2


class Patches:
    """A lip-sync that leaves every frame as it is."""

    async def patches(self) -> AsyncGenerator[lipsync_pb2.Patch, None]:
        for frame in range(3):
            yield lipsync_pb2.Patch(film_frame=frame)


class NoPictures:
    """An overlay without any."""

    async def until(self, film_frame: int) -> list[OverlayImage]:
        return []


@pytest.fixture
def goes_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.fault("decoder or encoder that stands still")
async def test_a_frame_that_stands_still_is_told(tmp_path: Path, goes_on: threading.Event) -> None:
    class Hanging(SegmentComposer):
        def add_frame(self, patch: PatchImage | None) -> None:
            goes_on.wait()

    footage = tmp_path / "footage.mp4"
    write_mp4(footage, [portrait()])
    with pytest.raises(UnavailableError) as caught:
        await compose_segment(
            lambda path: Hanging(footage, path, 0, EncoderSettings()),
            tmp_path / "film.mp4",
            DrawnPlace(0, 0, 3, 3),
            Patches(),  # type: ignore[arg-type]
            NoPictures(),  # type: ignore[arg-type]
            lambda _: None,
            budget_s=0.5,
        )
    assert caught.value.reason == "STALLED"
    assert caught.value.retryable
