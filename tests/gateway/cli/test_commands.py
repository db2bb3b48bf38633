"""The command line as a newcomer uses it, and misuses it."""

import importlib.metadata
import os
import socket
import subprocess
import sys

import pytest
import typer

from gateway.cli.main import COMMANDS, app, main
from gateway.cli.options import option_of
from gateway.films.request import FilmRequest
from gateway.mesh.addresses import Addresses
from tests.support.commands import environment_of, vigent
from tests.support.films import face_picture

TTS = "vigent.tts.v1.TtsService"


def test_help_names_every_command(tmp_path):
    shown = vigent("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for command in ("make", "up", "jobs", "voices", "probe", "doctor"):
        assert command in shown.stdout


LOADED = """
import sys
from gateway.cli.main import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_help_loads_no_command_and_no_library_but_typer(tmp_path):
    """What only commands need takes ten times as long to load as the help to show."""
    asked = [sys.executable, "-P", "-c", LOADED, "--help"]
    shown = subprocess.run(asked, cwd=tmp_path, env=environment_of(), capture_output=True, encoding="utf-8", check=True)
    loaded = shown.stderr.split()
    assert {name for name in loaded if name.startswith("gateway.")} == {"gateway.cli", "gateway.cli.main"}
    heavy = {"PIL", "cv2", "fontTools", "google", "grpc", "httpx", "jsonschema", "numpy", "orchestrator", "psutil"}
    assert not heavy.union({"pydantic", "pydantic_settings", "rich", "vigent"}).intersection(loaded)


@pytest.mark.parametrize(("name", "summary"), COMMANDS.items())
def test_the_list_of_commands_says_what_each_says_of_itself(name, summary):
    command = typer.main.get_command(app).commands[name]
    assert command.help.startswith((summary, summary.removesuffix(".") + ":"))


def test_the_version_is_told(tmp_path):
    told = vigent("--version", cwd=tmp_path)
    assert (told.returncode, told.stdout) == (0, f"vigent {importlib.metadata.version('vigent')}\n")


def leaves(command, name=()):
    """Every command, however deep, with the words that lead to it."""
    yield list(name), command
    for word, inner in getattr(command, "commands", {}).items():
        yield from leaves(inner, (*name, word))


@pytest.mark.parametrize(("words", "command"), list(leaves(typer.main.get_command(app))))
def test_help_cuts_no_option_on_a_narrow_terminal(monkeypatch, capsys, words, command):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.argv", ["vigent", *words, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    shown = capsys.readouterr().out.split()
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert {*parameter.opts, *parameter.secondary_opts} <= {word.rstrip(",") for word in shown}


def test_make_takes_every_option_of_a_film(monkeypatch, capsys):
    """One definition: what HTTP takes has an option, with the same default, limits and words."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.argv", ["vigent", "make", "--help"])
    with pytest.raises(SystemExit):
        main()
    shown = " ".join(capsys.readouterr().out.split())
    for name, field in FilmRequest.model_fields.items():
        assert all(option in shown.replace("script", "SCRIPT") for option in option_of(name).split(", ")), name
        assert field.description in shown
    assert "[default: 1080; 128<=x<=2160]" in shown
    assert "<draft|standard|best>" in shown


@pytest.mark.parametrize(("service", "code"), [("", 0), (TTS, 0), ("liveness", 0), ("no.such.Service", 2)])
def test_probe_tells_by_its_exit_code(tmp_path, voice_server, service, code):
    options = ["--service", service] if service else []
    probed = vigent("probe", voice_server.address, "--timeout", "60", *options, cwd=tmp_path)
    assert probed.returncode == code
    assert probed.stdout.strip() == ("SERVING" if code == 0 else "")


@pytest.mark.parametrize("address", ["", " ", ":", "localhost", "localhost:", "localhost:port", "host name:80"])
def test_probe_of_what_is_no_address_is_one_sentence(monkeypatch, capfd, address):
    monkeypatch.setattr("sys.argv", ["vigent", "probe", "--", address])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capfd.readouterr().err.splitlines()
    assert (ended.value.code, said[0]) == (2, f"error: {address!r} is not an address.")
    assert said[1:] == ["  where: ADDRESS", "  to do: Give host:port."]


def test_probe_of_nobody_and_of_what_is_no_grpc(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = vigent("probe", f"127.0.0.1:{mute.getsockname()[1]}", "--timeout", "0.3", cwd=tmp_path)
    nobody = vigent("probe", "127.0.0.1:1", cwd=tmp_path)
    assert (silent.returncode, nobody.returncode) == (2, 2)
    assert "127.0.0.1:1" in nobody.stderr


def test_voices_are_listed_with_a_running_server_and_without(tmp_path, voice_server):
    environment = {"VIGENT_GATEWAY_TTS": voice_server.address}
    asked = vigent("voices", cwd=tmp_path, environment=environment)
    assert asked.returncode == 0
    started = vigent("voices", "--language", "zh", "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert started.returncode == 0
    assert "zh" in started.stdout
    assert asked.stdout.split()[:3] == started.stdout.split()[:3] == ["id", "name", "sex"]


def test_a_language_that_nobody_speaks_is_said(tmp_path, voice_server):
    asked = vigent(
        "voices", "--language", "tlh", cwd=tmp_path, environment={"VIGENT_GATEWAY_TTS": voice_server.address}
    )
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "No voice speaks 'tlh'" in asked.stderr


@pytest.mark.parametrize("action", ["show", "cancel", "retry"])
def test_an_empty_id_is_no_job(tmp_path, action):
    """Every id begins with it: the only job there is would be cancelled for a variable that is not set."""
    asked = vigent("jobs", action, "", cwd=tmp_path)
    assert asked.returncode == 2
    assert "empty" in asked.stderr
    assert "JOB" in asked.stderr


def test_jobs_without_a_mesh_say_what_to_do(tmp_path):
    for arguments in (["jobs"], ["jobs", "cancel", "x"]):
        asked = vigent(*arguments, cwd=tmp_path, environment={"VIGENT_GATEWAY_ORCHESTRATOR": "127.0.0.1:1"})
        assert asked.returncode == 1
        assert "vigent up" in asked.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["make"], ["script"]),
        (["make", "none.txt", "--footage", "face.png"], ["none.txt", "SCRIPT"]),
        (["make", "."], ["Is a directory", "SCRIPT"]),
        (["make", "-", "--title-file", "-"], ["SCRIPT and --title-file", "standard input"]),
        (["make", "script.txt", "--title", "One", "--title-file", "script.txt"], ["--title and --title-file"]),
        (["make", "latin1.txt", "--footage", "face.png"], ["UTF-8", "SCRIPT"]),
        (["make", "gbk.txt"], ["UTF-8", "SCRIPT"]),
        (["make", "utf16.txt"], ["UTF-8", "SCRIPT"]),
        (["make", "script.txt", "--title-file", "gbk.txt"], ["UTF-8", "--title-file"]),
        (["make", "script.txt", "--style", "gbk.txt"], ["UTF-8", "--style"]),
        (["make", "script.txt", "--title-style", "utf16.txt"], ["JSON", "--title-style"]),
        (["make", "script.txt", "--footage", "none.mp4"], ["none.mp4", "--footage"]),
        (["make", "script.txt", "--footage", "script.txt"], ["--footage", "MP4"]),
        (["make", "script.txt", "--footage", "face.png", "--music", "face.png"], ["--music", "WAV"]),
        (["make", "script.txt", "--footage", "face.png", "--out", "film.avi"], ["film.avi", ".mp4"]),
        (["make", "script.txt", "--footage", "face.png", "--out", ".mp4"], ["'.mp4' is not the name of a film file"]),
        (["make", "script.txt", "--footage", "face.png", "--quality", "perfect"], ["draft"]),
        (["make", "script.txt", "--footage", "face.png", "--reference", "face.png"], ["--consent-of, --consent"]),
        (["make", "script.txt", "--footage", "face.png", "--title-file", "none"], ["none", "--title-file"]),
        (["make", "script.txt", "--footage", "face.png", "--style", "nope"], ["nope", "--style", "classic"]),
        (["make", "script.txt", "--footage", "face.png", "--style", "script.txt"], ["script.txt", "--style", "JSON"]),
        (["make", "script.txt", "--footage", "face.png", "--title-style", "odd.json"], ["--title-style", "sise"]),
        (["make", "script.txt", "--footage", "face.png", "--title", "half \udcff"], ["half", "PYTHONUTF8=1"]),
        (["make", "script.txt", "--footage", "face.png", "--width", "0"], ["--width"]),
        (["make", "script.txt", "--footage", "face.png", "--width", "129"], ["--width", "2", "make --help"]),
        (["make", "script.txt", "--footage", "face.png", "--speed", "0"], ["--speed"]),
        (["make", "script.txt", "--footage", "face.png", "--focus", "left"], ["--focus", "0.3,0.4"]),
        (["make", "script.txt", "--footage", "face.png", "--title", "t" * 61], ["--title", "60"]),
        (["make", "script.txt", "--footage", "face.png", "--face-consent-of", "Anna"], ["--face-consent"]),
        (["make", "script.txt", "--footage", "face.png", "--out", "/proc/film.mp4"], ["/proc", "--out"]),
        (["make", "script.txt", "--footage", "face.png", "--out", f"{'n' * 5000}.mp4"], ["--out"]),
        (["make", "script.txt", "--footage", "n" * 5000], ["--footage"]),
        (["make", "script.txt", "--footage", "folder"], ["folder", "--footage"]),
        (["up", "--port-base", "70000"], ["--port-base"]),
        (["nonsense"], ["nonsense"]),
    ],
)
def test_bad_usage_exits_with_2_and_says_where(tmp_path, monkeypatch, capsys, arguments, words):
    (tmp_path / "script.txt").write_text("Hello.", encoding="utf-8")
    for encoding in ("latin-1", "gbk", "utf-16"):
        (tmp_path / f"{encoding.replace('-', '')}.txt").write_bytes(
            '{"Grüße": "大"}'.encode(encoding, errors="replace")
        )
    (tmp_path / "face.png").write_bytes(face_picture())
    (tmp_path / "odd.json").write_text('{"version": 1, "sise": 2}', encoding="utf-8")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["vigent", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


def test_wrong_settings_are_named(tmp_path):
    done = vigent("doctor", cwd=tmp_path, environment={"VIGENT_GATEWAY_PORT": "many"})
    assert done.returncode == 2
    assert "VIGENT_GATEWAY_PORT" in done.stderr
    (tmp_path / "vigent.toml").write_text("[gateway]\nprot = 1\n", encoding="utf-8")
    assert "prot" in vigent("doctor", cwd=tmp_path).stderr


def test_a_name_in_the_environment_that_nobody_reads_is_told(tmp_path):
    done = vigent("jobs", "--data", "none", cwd=tmp_path, environment={"VIGENT_TSS_ENGINE": "qwen3"})
    assert done.stderr.count("Did you mean VIGENT_TTS_ENGINE?") == 1


def test_doctor_looks_at_everything(tmp_path):
    addresses = Addresses.from_base(0)
    with socket.create_server(("127.0.0.1", addresses.ports["asr"])):
        environment = {
            "VIGENT_ASR_PORT": str(addresses.ports["asr"]),
            "VIGENT_ORCHESTRATOR_DATABASE_URL": "postgresql://user:hunter2@db/vigent",
        }
        done = vigent("doctor", cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stdout
    for subject in ("python", "cores", "memory", "packages", "fonts", "voice", "overlay", "gpu"):
        assert f"  {subject}" in done.stdout
    assert "libx264 works" in done.stdout
    assert f"{addresses.ports['asr']} (asr) is used by" in done.stdout
    assert str(os.getpid()) in done.stdout
    assert f"asr.port = {addresses.ports['asr']}" in done.stdout
    assert "hunter2" not in done.stdout
    assert "postgresql://user:(hidden)@db/vigent" in done.stdout


def test_doctor_fails_when_something_must_be_mended(tmp_path):
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    done = vigent("doctor", "--data", "file", cwd=tmp_path)
    assert done.returncode == 1
    assert "fail" in done.stdout
    assert "--data" in done.stdout
