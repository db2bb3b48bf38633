"""What the processes of a mesh are told of its folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.mesh.addresses import Addresses

DATABASE = "VIGENT_ORCHESTRATOR_DATABASE_URL"
SERVER = "postgresql://anna@db/vigent"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (DATABASE, "VIGENT_MEDIA_ROOT"):
        monkeypatch.setenv(name, "")  # so that what is applied is taken back
        monkeypatch.delenv(name)
    monkeypatch.setenv("VIGENT_CONFIG", str(tmp_path / "vigent.toml"))


def told(data: Path) -> dict[str, str]:
    return Addresses.configured().environment(data)


def test_a_data_folder_holds_everything(tmp_path: Path) -> None:
    assert told(tmp_path)[DATABASE] == f"sqlite:///{tmp_path / 'jobs.db'}"
    assert told(tmp_path)["VIGENT_MEDIA_ROOT"] == str(tmp_path / "media")


def test_what_the_environment_names_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATABASE, SERVER)
    monkeypatch.setenv("VIGENT_MEDIA_ROOT", "/srv/media")
    assert not {DATABASE, "VIGENT_MEDIA_ROOT"} & told(tmp_path).keys()


def test_a_database_server_in_the_file_stays(tmp_path: Path) -> None:
    (tmp_path / "vigent.toml").write_text(f'[orchestrator]\ndatabase_url = "{SERVER}"\n', encoding="utf-8")
    assert DATABASE not in told(tmp_path / "data")


def test_a_port_of_0_is_chosen_before_anybody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEWAY_PORT", "TTS_PORT", "TTS_METRICS_PORT"):
        monkeypatch.setenv(f"VIGENT_{name}", "0")
    addresses = Addresses.configured()
    ports = [*addresses.ports.values(), *addresses.metrics_ports.values()]
    assert 0 not in ports
    assert len(set(ports)) == len(ports)
    told = addresses.environment(tmp_path)
    assert told["VIGENT_GATEWAY_PORT"] == str(addresses.ports["gateway"])
    assert told["VIGENT_ORCHESTRATOR_TTS"] == addresses.address("tts")
