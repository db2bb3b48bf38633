"""Which engine chooses itself, by the checkpoints that are here; and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.base.errors import FailedPreconditionError, InvalidInputError
from services.base.settings import ServerSettings
from services.runtime.choice import choose
from services.tts.servicer import SPEC
from tests.support.servers import TIMEOUT_S, serving
from vigent.runtime.v1 import runtime_pb2, runtime_pb2_grpc

LIGHT, HEAVY, HEAVIER = "kokoro-82m", "qwen3-tts-12hz-0.6b-customvoice", "qwen3-tts-12hz-1.7b-customvoice"


def pulled(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True)
        known = {"name": name, "engine": "any", "licence": "MIT", "files": [{"path": "model.bin"}]}
        (root / name / "manifest.json").write_text(json.dumps(known), encoding="utf-8")
    return root


def chosen(root: Path, *, gpu: bool | None = None, **settings: object) -> list[tuple[str, Path | None]]:
    choice = choose(SPEC, ServerSettings.load("tts", models_root=root, **settings), gpu=gpu)
    return [(candidate.engine, candidate.settings.checkpoint) for candidate in choice.candidates]


def test_without_a_checkpoint_it_is_the_engine_that_needs_none(tmp_path: Path) -> None:
    assert chosen(tmp_path / "none") == [("espeak", None)]


def test_the_best_checkpoint_whose_device_is_here_comes_first(tmp_path: Path) -> None:
    root = pulled(tmp_path, LIGHT, HEAVY, HEAVIER)
    assert chosen(root) == [("kokoro", root / LIGHT), ("espeak", None)]
    with_gpu = [("qwen3", root / HEAVIER), ("qwen3", root / HEAVY), ("kokoro", root / LIGHT), ("espeak", None)]
    assert chosen(root, gpu=True) == chosen(root, device="cuda") == with_gpu


def test_a_checkpoint_that_speaks_only_when_asked_for_is_not_chosen(tmp_path: Path) -> None:
    assert chosen(pulled(tmp_path, "qwen3-tts-12hz-1.7b-base"), gpu=True) == [("espeak", None)]


def test_the_checkpoint_of_the_settings_tells_its_engine(tmp_path: Path) -> None:
    root = pulled(tmp_path, LIGHT, HEAVY)
    assert chosen(root, checkpoint=root / HEAVY)[0] == ("qwen3", root / HEAVY)
    (tmp_path / "strange").mkdir()
    with pytest.raises(InvalidInputError, match="which engine") as refused:
        chosen(root, checkpoint=tmp_path / "strange")
    assert refused.value.field == "VIGENT_TTS_CHECKPOINT"


def test_an_engine_that_is_named_is_the_only_one(tmp_path: Path) -> None:
    assert chosen(pulled(tmp_path, LIGHT), engine="espeak") == [("espeak", None)]


def test_only_what_can_be_helped_by_another_engine_leads_to_it(tmp_path: Path) -> None:
    choice = choose(SPEC, ServerSettings.load("tts", models_root=pulled(tmp_path, LIGHT)))
    named = choose(SPEC, ServerSettings.load("tts", engine="kokoro", fallback_engine="espeak"))
    for reason, helped in (("CHECKPOINT_CORRUPT", True), ("DEVICE_MISSING", True), ("OTHER", False)):
        error = FailedPreconditionError("It is so.", "Mend it.", "checkpoint", reason)
        assert choice.goes_on(error) is helped
        assert not named.goes_on(error)


async def test_a_damaged_checkpoint_is_passed_over_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_MODELS_ROOT", str(pulled(tmp_path / "models", LIGHT)))
    async with serving(tmp_path, engine="auto") as server:
        stub = runtime_pb2_grpc.RuntimeServiceStub(server.channel)
        said = await stub.Describe(runtime_pb2.DescribeRequest(), timeout=TIMEOUT_S)
    assert (said.engine, said.checkpoint) == ("espeak", "")
    assert said.choice_reason == "it needs no checkpoint"
    assert said.fallback_reason.startswith("espeak stands in for kokoro: checkpoint: ")
