"""The log file of a mesh."""

from __future__ import annotations

from pathlib import Path

from gateway.mesh.log import LogFile


def test_it_is_begun_anew_and_goes_on_in_another_when_it_is_long(tmp_path: Path) -> None:
    path = tmp_path / "data" / "up.log"
    for first in (0, 100):
        with LogFile(path, longest_bytes=1000) as log:
            for number in range(first, first + 100):
                log.say("tts", f"line {number}")
        assert sorted(file.name for file in path.parent.iterdir()) == ["up.log", "up.log.1"]
        assert all(file.stat().st_size < 1100 for file in path.parent.iterdir())
        lines = (path.with_name("up.log.1").read_text(encoding="utf-8") + path.read_text(encoding="utf-8")).splitlines()
        assert [line.split()[-1] for line in lines] == [str(number) for number in range(first, first + 100)][
            -len(lines) :
        ]
        assert log.tail().endswith(f"line {first + 99}")


def test_a_folder_that_vanishes_ends_no_mesh(tmp_path: Path) -> None:
    with LogFile(tmp_path / "up.log", longest_bytes=1) as log:
        log.say("tts", "one")
        (tmp_path / "up.log").unlink()
        log.say("tts", "two")
        log.say("tts", "three")
        assert log.tail().count("\n") == 2
