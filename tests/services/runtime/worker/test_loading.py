"""Loading an engine: while its checkpoint is put in place of another, and where it is not installed."""

from pathlib import Path
from typing import Any

import pytest

from services.base.errors import FailedPreconditionError
from services.enginekit.progress import RECORD_WORDS, Progress
from services.enginekit.settings import EngineSettings
from services.runtime.worker.loading import load_engine
from services.runtime.worker.messages import Boot, Candidate, Choice


class TwoFiles:
    """Reads one file of its checkpoint when it is made and one when it is warmed up; in between it is replaced."""

    def __init__(self, settings: EngineSettings) -> None:
        assert settings.checkpoint is not None
        self._folder = settings.checkpoint
        self.read = [(self._folder / "config").read_text(encoding="utf-8")]

    def warm_up(self, progress: Progress) -> None:
        link = self._folder.parent / "checkpoint"
        (link.parent / "fresh").symlink_to("new")
        (link.parent / "fresh").replace(link)
        self.read.append((self._folder / "weights").read_text(encoding="utf-8"))


class Lacking:
    """Cannot be loaded for the reason that the option `reason` names."""

    def __init__(self, settings: EngineSettings) -> None:
        raise FailedPreconditionError("It lacks a program.", "Install it.", "engine", settings.options["reason"])


class StandIn:
    """Takes neither options nor a checkpoint."""

    version = "1.2"

    def __init__(self, settings: EngineSettings) -> None:
        assert (settings.checkpoint, settings.options) == (None, {})


def boot_of(engine: type, checkpoint: Path, **more: Any) -> Boot:
    settings = EngineSettings(checkpoint=checkpoint, options=more.pop("options", {}))
    candidates = [Candidate(engine.__name__, f"{__name__}:{engine.__name__}", settings)]
    if fallback := more.pop("fallback", None):
        candidates.append(Candidate(fallback.__name__, f"{__name__}:{fallback.__name__}", EngineSettings()))
    return Boot(
        service="tts",
        choice=Choice(tuple(candidates), passes_over=("ENGINE_NOT_INSTALLED",)),
        epoch=1,
        slots=1,
        window=8,
        stall_budget_s=60,
        load_budget_s=60,
        warm_up_budget_s=60,
        log_level="INFO",
        parent=1,
        **{"attributes": (), **more},
    )


def test_a_checkpoint_that_is_replaced_meanwhile_is_not_mixed_with_the_next(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        for file in ("config", "weights"):
            (tmp_path / name / file).write_text(name, encoding="utf-8")
    (tmp_path / "checkpoint").symlink_to("old")
    boot = boot_of(TwoFiles, tmp_path / "checkpoint", attributes=("read",))
    assert load_engine(boot, [0] * RECORD_WORDS).attributes["read"] == ["old", "old"]
    assert load_engine(boot, [0] * RECORD_WORDS).attributes["read"] == ["new", "new"]


def test_what_is_not_installed_is_stood_in_for(tmp_path: Path) -> None:
    options = {"reason": "ENGINE_NOT_INSTALLED"}
    boot = boot_of(Lacking, tmp_path, options=options, fallback=StandIn)
    loaded = load_engine(boot, [0] * RECORD_WORDS)
    assert isinstance(loaded.engine, StandIn)
    assert loaded.version == "1.2"
    assert [str(error) for error in loaded.passed_over] == ["engine: It lacks a program. Install it."]


@pytest.mark.parametrize(("reason", "fallback"), [("ENGINE_NOT_INSTALLED", None), ("CHECKPOINT_MISSING", StandIn)])
def test_nothing_stands_in_for_what_may_be_mended_nor_unasked(
    tmp_path: Path, reason: str, fallback: type | None
) -> None:
    boot = boot_of(Lacking, tmp_path, options={"reason": reason}, fallback=fallback)
    with pytest.raises(FailedPreconditionError) as refused:
        load_engine(boot, [0] * RECORD_WORDS)
    assert refused.value.reason == reason
