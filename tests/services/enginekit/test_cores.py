from pathlib import Path

import pytest

from services.enginekit import cores
from services.enginekit.cores import usable_cores


@pytest.mark.parametrize(
    ("quota", "usable"), [("max 100000", 4), ("200000 100000", 2), ("50000 100000", 1), ("900000 100000", 4)]
)
def test_the_quota_of_a_container_is_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: str, usable: int
) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    (tmp_path / "cpu.max").write_text(quota, encoding="ascii")
    assert usable_cores(tmp_path / "cpu.max") == usable


def test_without_a_container_the_cores_of_the_process_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores.os, "sched_getaffinity", lambda _: {2, 5})
    assert usable_cores(tmp_path / "none") == 2
