from __future__ import annotations

from pathlib import Path

import pytest

from services.base.errors import InvalidInputError
from services.base.setting_names import unread_variables
from services.base.settings import METRICS_PORTS, PORTS, ProcessSettings, ServerSettings
from services.enginekit.settings import EngineSettings
from services.runtime.choice import engine_settings


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings but those of the test; returns where vigent.toml is looked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIGENT_CONFIG", raising=False)
    return tmp_path / "vigent.toml"


def test_every_service_has_its_own_ports_on_loopback() -> None:
    for section in METRICS_PORTS:
        settings = ServerSettings.load(section)
        assert (settings.host, settings.port) == ("127.0.0.1", PORTS[section])
        assert settings.metrics_port == METRICS_PORTS[section]
    ports = {*PORTS.values(), *METRICS_PORTS.values()}
    assert len(ports) == len(PORTS) + len(METRICS_PORTS)
    assert max(ports) < 32_768  # from there on Linux gives ports to outgoing connections


def test_environment_wins_over_file_and_file_over_default(empty_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_machine.write_text(
        'media_root = "/media"\n[tts]\nslots = 3\nport = 1\n[lipsync]\nslots = 9\n', encoding="utf-8"
    )
    monkeypatch.setenv("VIGENT_TTS_PORT", "2")
    settings = ServerSettings.load("tts")
    assert (settings.slots, settings.port, settings.queue_limit) == (3, 2, 8)
    assert settings.media_root == Path("/media")
    monkeypatch.setenv("VIGENT_MEDIA_ROOT", "/elsewhere")
    assert ServerSettings.load("asr").media_root == Path("/elsewhere")


def test_only_names_of_ours_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs have a MEDIA_ROOT too."""
    monkeypatch.setenv("MEDIA_ROOT", "/of/another/program")
    assert ServerSettings.load("tts").media_root == Path(".vigent/media")


def test_the_colour_behind_footage_is_one_for_all(empty_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ProcessSettings.load("gateway").backdrop == "#000000"
    empty_machine.write_text('backdrop = "#00c828"\n', encoding="utf-8")
    assert {ProcessSettings.load(section).backdrop for section in ("gateway", "orchestrator")} == {"#00c828"}
    monkeypatch.setenv("VIGENT_BACKDROP", "green")
    with pytest.raises(InvalidInputError, match="green"):
        ProcessSettings.load("gateway")


def test_a_level_of_the_log_is_known_in_small_letters_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_TTS_LOG_LEVEL", "warning")
    assert ServerSettings.load("tts").log_level == "WARNING"


def test_options_of_the_engine_come_as_json_or_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_TTS_OPTIONS", '{"units": 5}')
    monkeypatch.setenv("VIGENT_TTS_OPTIONS__DELAY_S", "0.5")
    monkeypatch.setenv("VIGENT_TTS_DEVICE", "cuda:0")
    engine = engine_settings(ServerSettings.load("tts"))
    options = {"units": "5", "delay_s": "0.5"}
    assert engine == EngineSettings("cuda:0", None, Path(".vigent/cache"), options, Path(".vigent/media"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("PORT", "tts"),
        ("SLOTS", "0"),
        ("STALL_BUDGET_S", "-1"),
        ("LOG_LEVEL", "LOUD"),
        ("PROGRESS_INTERVAL_S", "2.1"),
        ("RECOVERY__KILL_GRACE_S", "-3"),
    ],
)
def test_wrong_setting_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VIGENT_TTS_{name}", value)
    with pytest.raises(InvalidInputError) as caught:
        ServerSettings.load("tts")
    assert f"VIGENT_TTS_{name}" in str(caught.value)
    assert value in str(caught.value)


def test_options_that_are_no_json_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_TTS_OPTIONS", "{")
    with pytest.raises(InvalidInputError, match=r'"options".*JSON'):
        ServerSettings.load("tts")


def test_unknown_name_in_the_file_is_an_error(empty_machine: Path) -> None:
    empty_machine.write_text("[tts]\nslot = 3\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="slot"):
        ServerSettings.load("tts")


def test_unreadable_file_is_an_error(empty_machine: Path) -> None:
    empty_machine.write_text("[tts\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"vigent\.toml"):
        ServerSettings.load("tts")


def test_the_file_may_begin_as_notepad_has_it(empty_machine: Path) -> None:
    empty_machine.write_text("[tts]\nslots = 3\n", encoding="utf-8-sig")
    assert ServerSettings.load("tts").slots == 3


@pytest.mark.parametrize("encoding", ["gbk", "utf-16"])
def test_a_file_in_another_encoding_is_told_what_to_be(empty_machine: Path, encoding: str) -> None:
    empty_machine.write_text('[tts]\nengine = "大"\n', encoding=encoding)
    with pytest.raises(InvalidInputError, match="Save it as UTF-8"):
        ServerSettings.load("tts")


def test_base_settings_serve_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGENT_ORCHESTRATOR_HOST", "0.0.0.0")
    assert ProcessSettings.load("orchestrator").host == "0.0.0.0"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[tts]\nslot = 3\n", "slot below [tts] in {file}"),
        ("[tts]\nslots = 0\n", "slots below [tts] in {file}"),
        ("[tts.recovery]\nkill_grace_s = -3\n", "recovery.kill_grace_s below [tts] in {file}"),
        ('backdrop = "green"\n', "backdrop in {file}"),
        ("[ttss]\nslots = 3\n", "'ttss' in {file}"),
        ("tts = 3\n", "tts in {file}"),
    ],
)
def test_what_is_wrong_in_the_file_is_told_by_its_key(empty_machine: Path, content: str, told: str) -> None:
    empty_machine.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        ServerSettings.load("tts")
    assert told.format(file=Path("vigent.toml")) in str(caught.value)
    assert "VIGENT_" not in str(caught.value)


def test_what_was_meant_is_asked(empty_machine: Path) -> None:
    empty_machine.write_text("[tts]\nslot = 3\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"Did you mean slots\?"):
        ServerSettings.load("tts")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("VIGENT_TTS_ENGIN", " Did you mean VIGENT_TTS_ENGINE?"),
        ("VIGENT_TSS_ENGINE", " Did you mean VIGENT_TTS_ENGINE?"),
        ("VIGENT_TTS_QUITE_ANOTHER_THING", ""),
    ],
)
def test_a_name_that_nobody_reads_is_told(monkeypatch: pytest.MonkeyPatch, name: str, told: str) -> None:
    monkeypatch.setenv(name, "qwen3")
    assert list(unread_variables({"tts": ServerSettings})) == [
        f"Nothing reads {name}, which is in the environment.{told}"
    ]


def test_names_that_somebody_reads_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TTS_ENGINE", "tts_slots", "TTS_OPTIONS__UNITS", "MEDIA_ROOT", "LIPSYNC_REPLICAS", "GATEWAY_ANYTHING"):
        monkeypatch.setenv(f"VIGENT_{name}", "1")
    assert list(unread_variables({"tts": ServerSettings})) == []
