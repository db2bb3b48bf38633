"""Terminals and logs that cannot show every character: real processes in other locales than UTF-8."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import TIMEOUT_S, VIGENT, environment_of
from tests.support.mesh import run_server

_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0"}
TERMINALS = {
    "ascii": _ASCII,
    "iso-8859-1": _ASCII | {"PYTHONIOENCODING": "iso-8859-1"},
    "gbk": _ASCII | {"PYTHONIOENCODING": "gbk"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},  # the files' names are UTF-8
}
_OWN = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONIOENCODING", "PYTHONUTF8")


def run(terminal: str, command: list[str], cwd: Path, **extra: str) -> tuple[int, str, str]:
    """Exit code, standard output and error of a program that knows of no home and of no other locale."""
    environment = {name: value for name, value in environment_of().items() if name not in _OWN}
    environment |= TERMINALS[terminal] | extra
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, timeout=TIMEOUT_S)
    out, err = done.stdout.decode(terminal), done.stderr.decode(terminal)  # nothing else than its encoding has
    assert "Traceback" not in err
    return done.returncode, out, err


@pytest.mark.parametrize("terminal", TERMINALS)
def test_help_and_refusals_are_shown_as_far_as_they_can_be(terminal, tmp_path):
    code, out, err = run(terminal, [*VIGENT, "make", "--help"], tmp_path)
    assert (code, err) == (0, "")
    assert "--footage" in out
    (tmp_path / "look.json").write_text('{"大小": 2}', encoding="utf-8")
    (tmp_path / "script.txt").write_text("大家好。", encoding="utf-8")
    code, _, err = run(terminal, [*VIGENT, "make", "script.txt", "--style", "look.json"], tmp_path)
    assert code == 2
    assert ("大小" if terminal == "gbk" else "??") in err
    assert "\\u" not in err


@pytest.mark.parametrize("terminal", ["ascii", "gbk"])
def test_voices_are_listed_whatever_their_names(terminal, tmp_path):
    engine = {"VIGENT_TTS_ENGINE": "tests.knobs.tts:KnobsTts", "VIGENT_TTS_OPTIONS": '{"voice_name": "旋钮"}'}
    with run_server("services.tts", tmp_path, engine) as tts:
        code, out, _ = run(terminal, [*VIGENT, "voices"], tmp_path, VIGENT_GATEWAY_TTS=tts.address)
    assert code == 0
    assert ("旋钮" if terminal == "gbk" else "??") in out


def test_a_server_under_a_small_locale_says_its_error(tmp_path):
    code, _, err = run("latin-1", [sys.executable, "-m", "services.tts"], Path.cwd(), VIGENT_TTS_ENGINE="不存在")
    assert code == 2
    assert "There is no engine '???'." in err


def test_the_log_of_a_mesh_is_utf_8_in_every_locale(tmp_path):
    (tmp_path / "script.txt").write_text("Hello.", encoding="utf-8")
    command = [*VIGENT, "make", "script.txt", "--data", str(tmp_path / "data")]
    code, _, err = run("latin-1", command, tmp_path, VIGENT_TTS_ENGINE="不存在")
    assert code == 1
    assert "no engine '???'" in err
    assert "There is no engine '不存在'." in (tmp_path / "data" / "make.log").read_text(encoding="utf-8")
