"""The demo as a newcomer makes it: `vigent make` on assets/demo, looked at pixel by pixel."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest

from services.enginekit.progress import Progress
from services.enginekit.settings import EngineSettings
from services.lipsync.engine import Box, Footage
from services.lipsync.warp.engine import WarpEngine
from services.media.store import MediaStore
from services.media.timeline import footage_frame
from tests.support.films import FilmFacts, facts_of
from tests.support.mesh import ROOT

ASSETS = ROOT / "assets"
TIMEOUT_S = 540


@dataclass(frozen=True)
class Demo:
    film: Path
    data: Path
    facts: FilmFacts


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    film, data = folder / "demo.mp4", folder / "data"
    command = [Path(sys.executable).with_name("vigent"), "make", ASSETS / "demo" / "script.txt", "--out", film]
    options = ["--footage", ASSETS / "demo" / "presenter.mp4", "--title-file", ASSETS / "demo" / "title.txt"]
    music = ["--music", ASSETS / "music" / "morning-light.m4a", "--data", data]
    subprocess.run([*command, *options, *music], cwd=folder, check=True, timeout=TIMEOUT_S)
    return Demo(film, data, facts_of(film))


pytestmark = pytest.mark.timeout(TIMEOUT_S + 60)


def test_it_is_a_portrait_short(demo: Demo) -> None:
    facts = demo.facts
    assert (facts.video_codec, facts.pixel_format, facts.width, facts.height) == ("h264", "yuv420p", 1080, 1920)
    assert (facts.audio_codec, facts.audio_rate_hz, facts.audio_channels, facts.rate_hz) == ("aac", 48_000, 2, 25)
    assert 20 <= facts.video_s <= 45
    assert abs(facts.video_s - facts.audio_s) <= 1 / 25


def test_it_says_that_it_was_made_by_ai(demo: Demo) -> None:
    with av.open(str(demo.film)) as container:
        record = json.loads(container.metadata["AIGC"])
    assert record["Label"]
    assert record["ProduceID"].startswith("job-")


@pytest.fixture(scope="module")
def mouth(demo: Demo) -> Box:
    """Where the mouth is in all of the footage, as lip-sync found it."""
    presenter = ASSETS / "demo" / "presenter.mp4"
    stored = MediaStore(demo.data / "media").put_file(presenter)
    engine = WarpEngine(EngineSettings(cache_root=demo.data / "cache"))
    report = next(iter(engine.prepare(Footage(presenter, stored.sha256), Progress())))
    assert report.mouth
    return report.mouth


def test_the_mouth_follows_the_voice(demo: Demo, mouth: Box) -> None:
    loudness, opening = loudness_per_frame(demo.film), opening_per_frame(demo.film, mouth)
    loudness = loudness[: len(opening)]
    lags = {lag: correlation(loudness, np.roll(opening, -lag)) for lag in range(-5, 6)}
    best = max(lags, key=lambda lag: lags[lag])
    print(f"correlation {lags[best]:.3f} at a lag of {best} frames")
    assert lags[best] >= 0.6
    assert abs(best) <= 1


def test_the_mouth_is_closed_in_pauses(demo: Demo, mouth: Box) -> None:
    loudness, opening = loudness_per_frame(demo.film), opening_per_frame(demo.film, mouth)
    loudness = loudness[: len(opening)]
    quiet = loudness < 0.12 * np.percentile(loudness, 90)
    settled = quiet & np.roll(quiet, 1) & np.roll(quiet, 2) & np.roll(quiet, 3)
    assert settled.sum() >= 5
    assert opening[settled].mean() <= 0.1 * np.percentile(opening, 90)


def test_captions_keep_off_the_mouth(demo: Demo, mouth: Box) -> None:
    """The pixels of the mouth's box are the footage's skin or lips or a dark mouth, never a caption's white."""
    for shown, footage in pairs(demo.film, mouth, every=25):
        assert (shown.astype(int) - footage > 90).mean() < 0.02


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


def loudness_per_frame(film: Path) -> np.ndarray:
    """Root mean square of the film's sound in each frame."""
    with av.open(str(film)) as container:
        samples = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
    whole = len(samples) // 1920 * 1920
    return np.sqrt(np.square(samples[:whole].reshape(-1, 1920)).mean(axis=1))


def opening_per_frame(film: Path, mouth: Box) -> np.ndarray:
    """Share of the mouth's box that is much darker in the film than in the footage."""
    return np.array([((shown < 0.5 * was) & (was > 50)).mean() for shown, was in pairs(film, mouth)])


def pairs(film: Path, mouth: Box, every: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    """The mouth's box in film frames and in the footage frames that they show, as luma."""
    footage = lumas(ASSETS / "demo" / "presenter.mp4", mouth)
    shown = lumas(film, mouth)
    return [(shown[n], footage[footage_frame(n, len(footage))]) for n in range(0, len(shown), every)]


def lumas(path: Path, box: Box) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        frames = (frame.to_ndarray()[: frame.height] for frame in container.decode(video=0))
        return [luma[box.y : box.y + box.height, box.x : box.x + box.width].copy() for luma in frames]
