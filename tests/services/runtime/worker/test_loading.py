"""Loading an engine while its checkpoint is put in place of another."""

from pathlib import Path

from services.enginekit.progress import RECORD_WORDS, Progress
from services.enginekit.settings import EngineSettings
from services.runtime.worker.loading import load_engine
from services.runtime.worker.messages import Boot


class TwoFiles:
    """Reads one file of its checkpoint when it is made and one when it is warmed up; in between it is replaced."""

    def __init__(self, settings: EngineSettings) -> None:
        assert settings.checkpoint is not None
        self._folder = settings.checkpoint
        self.read = [(self._folder / "config").read_text()]

    def warm_up(self, progress: Progress) -> None:
        link = self._folder.parent / "checkpoint"
        (link.parent / "fresh").symlink_to("new")
        (link.parent / "fresh").replace(link)
        self.read.append((self._folder / "weights").read_text())


def test_a_checkpoint_that_is_replaced_meanwhile_is_not_mixed_with_the_next(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        for file in ("config", "weights"):
            (tmp_path / name / file).write_text(name)
    (tmp_path / "checkpoint").symlink_to("old")
    boot = Boot(
        service="tts",
        engine=f"{__name__}:TwoFiles",
        settings=EngineSettings(checkpoint=tmp_path / "checkpoint"),
        attributes=("read",),
        epoch=1,
        slots=1,
        window=8,
        stall_budget_s=60,
        load_budget_s=60,
        warm_up_budget_s=60,
        log_level="INFO",
        parent=1,
    )
    assert load_engine(boot, [0] * RECORD_WORDS).attributes == {"read": ["old", "old"]}
    assert load_engine(boot, [0] * RECORD_WORDS).attributes == {"read": ["new", "new"]}
