import shutil
from pathlib import Path

import pytest

from services.runtime.identity import checkpoint_digest, engine_identity

SERVICES = Path(__file__).parents[3] / "services"


@pytest.fixture
def services(tmp_path: Path) -> Path:
    """A copy of the code that a test may change."""
    return Path(shutil.copytree(SERVICES, tmp_path / "services", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"sha256": "1"}', encoding="utf-8")
    return folder


def change(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "\nCHANGED = 1\n", encoding="utf-8")


def test_begins_with_the_name_and_is_ascii(services: Path, tmp_path: Path) -> None:
    identity = engine_identity("qwen3", tmp_path / "声音", "tts", {"voices": "声音"}, services=services)
    assert identity.partition(" ")[0] == "qwen3"
    assert identity.isascii()


def test_changes_with_engine_checkpoint_and_options(services: Path, checkpoint: Path) -> None:
    options = {"temperature": "0.9", "top_k": "50"}
    before = engine_identity("qwen3", checkpoint, "tts", options, services=services)
    assert engine_identity("qwen3", checkpoint, "tts", dict(reversed(options.items())), services=services) == before
    others = [
        engine_identity("espeak", checkpoint, "tts", options, services=services),
        engine_identity("qwen3", None, "tts", options, services=services),
        engine_identity("qwen3", checkpoint, "tts", {**options, "temperature": "0.8"}, services=services),
        engine_identity("qwen3", checkpoint, "tts", {}, services=services),
        engine_identity("qwen3", checkpoint, "tts", options, "1.2", services=services),
    ]
    (checkpoint / "manifest.json").write_text('{"sha256": "2"}', encoding="utf-8")
    others.append(engine_identity("qwen3", checkpoint, "tts", options, services=services))
    assert len({before, *others}) == 7


@pytest.mark.parametrize(
    "file",
    [
        "tts/espeak.py",
        "tts/qwen3/networks/decoder.py",
        "text/normalise.py",
        "media/store.py",
        "espeak/library.py",
        "typography/fonts.py",
        "enginekit/device.py",
    ],
)
def test_changes_with_the_code_that_makes_pieces(services: Path, file: str) -> None:
    before = engine_identity("espeak", None, "tts", {}, services=services)
    change(services / file)
    assert engine_identity("espeak", None, "tts", {}, services=services) != before


@pytest.mark.parametrize(
    "file",
    ["runtime/server.py", "runtime/health.py", "runtime/worker/watchdog.py", "base/log.py", "overlay/servicer.py"],
)
def test_code_that_serves_or_belongs_to_another_service_changes_nothing(services: Path, file: str) -> None:
    before = engine_identity("espeak", None, "tts", {}, services=services)
    change(services / file)
    assert engine_identity("espeak", None, "tts", {}, services=services) == before


def test_a_checkpoint_counts_by_its_content_and_not_by_its_folder(checkpoint: Path) -> None:
    before = checkpoint_digest(checkpoint)
    elsewhere = checkpoint.rename(checkpoint.with_name("elsewhere"))
    assert checkpoint_digest(elsewhere) == before
    (elsewhere / "insightface").mkdir()
    (elsewhere / "insightface" / "det_10g.onnx").write_bytes(b"laid there by hand")
    assert checkpoint_digest(elsewhere) != before


def test_a_missing_checkpoint_has_a_digest_too(tmp_path: Path) -> None:
    assert checkpoint_digest(tmp_path / "nowhere")
