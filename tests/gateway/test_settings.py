from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import GatewaySettings
from services.base.errors import InvalidInputError
from services.base.setting_names import unread_variables


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings but those of the test; returns where vigent.toml is looked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIGENT_CONFIG", raising=False)
    return tmp_path / "vigent.toml"


@pytest.mark.parametrize("name", ["METRICS_PORT", "MAX_MESSAGE_BYTES", "MAX_CONNECTION_AGE_S"])
def test_what_only_grpc_servers_have_is_no_setting_of_the_gateway(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"VIGENT_GATEWAY_{name}", "1")
    (told,) = unread_variables({"gateway": GatewaySettings})
    assert told.startswith(f"Nothing reads VIGENT_GATEWAY_{name}, ")
    empty_machine.write_text(f"[gateway]\n{name.lower()} = 1\n", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=name.lower()):
        GatewaySettings.load("gateway")


def test_waits_are_one_block(empty_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_machine.write_text("[gateway.waits]\nheartbeat_s = 5\n", encoding="utf-8")
    monkeypatch.setenv("VIGENT_GATEWAY_WAITS__HEAD_TIMEOUT_S", "3")
    waits = GatewaySettings.load("gateway").waits
    assert (waits.heartbeat_s, waits.head_timeout_s, waits.body_timeout_s) == (5, 3, 30)
    monkeypatch.setenv("VIGENT_GATEWAY_WAITS__HEAD_TIMEOUT_S", "-3")
    with pytest.raises(InvalidInputError, match="VIGENT_GATEWAY_WAITS__HEAD_TIMEOUT_S"):
        GatewaySettings.load("gateway")
